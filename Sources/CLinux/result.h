// SPDX-License-Identifier: Apache-2.0
// The convention of all functions here: what the call answered, or -errno. Not for Swift.
#ifndef CLINUX_RESULT_H
#define CLINUX_RESULT_H

#include <errno.h>

#define RESULT(call) ({ __typeof__(call) result_ = (call); result_ < 0 ? -errno : result_; })

#endif
