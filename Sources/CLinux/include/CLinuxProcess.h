// SPDX-License-Identifier: Apache-2.0
// Other processes: starting, ending, and talking to them in packets that carry descriptors.
#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// --- packets ---

// Two ends of a SOCK_SEQPACKET connection, close-on-exec.
int hf_packet_pair(int sockets[2]);
// Sends one packet; a descriptor goes with it unless it is negative.
int hf_send_packet(int socket, const void *bytes, size_t count, int descriptor);
// The length of the next packet, 0 at the end; its descriptor, close-on-exec, or -1. What is longer than `capacity`, or
// carries more than one descriptor, is -EMSGSIZE, and all its descriptors are closed.
ssize_t hf_receive_packet(int socket, void *bytes, size_t capacity, int *descriptor);

// 1 if the other end is closed, whatever it has sent before, else 0.
int hf_is_hung_up(int socket);

// --- processes ---

// Starts the program in a session of its own, with /dev/null as 0, `output` as 1 and 2 (/dev/null and the caller's 2 if
// it is negative), `connection` as 3 unless it is negative, and nothing else open; no signal is blocked or ignored. The
// program is what `hf_open_program` has opened, and then 4 is that, or what is at the path if `program` is negative.
// Its process id, and a descriptor of it, which is readable when it has ended.
int hf_spawn(
    const char *path, const char *const arguments[], const char *const environment[], int program, int connection,
    int output, int *process_descriptor);
// A descriptor of the file, to be started whatever comes to be at the path; close-on-exec, and none of the first ten.
int hf_open_program(const char *path);
// What is shown as the process's name, of 15 bytes at most; that of a program started by its descriptor is a number.
int hf_set_process_name(const char *name);
int hf_process_kill(int process_descriptor);
// Takes note of a child's end: 1 if it has ended and is no zombie any more, 0 if it still runs. Its exit status, or 128
// and the number of the signal that ended it.
int hf_process_reap(int process_descriptor, int *status);
// Both ends of a pipe, close-on-exec; reading does not wait.
int hf_output_pipe(int ends[2]);

#endif
