// SPDX-License-Identifier: Apache-2.0
// System calls and structs that Debian 12's headers lack or Swift cannot see. Every function returns -errno on failure
// and has no logic of its own. Only these headers may be included here: _GNU_SOURCE belongs into the .c files.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "CLinuxMount.h"
#include "CLinuxHost.h"
#include "CLinuxProcess.h"

#endif
