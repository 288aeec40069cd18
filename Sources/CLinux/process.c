// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxProcess.h"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

// --- packets ---

// Room for two, so that a second descriptor is seen instead of being cut off.
#define DESCRIPTORS_SEEN 2

int hf_packet_pair(int sockets[2]) { return RESULT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)); }

int hf_send_packet(int socket, const void *bytes, size_t count, int descriptor)
{
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof descriptor)];
    } control = {0};
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof descriptor), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t hf_receive_packet(int socket, void *bytes, size_t capacity, int *descriptor)
{
    *descriptor = -1;
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS_SEEN * sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    ssize_t length;
    do length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0) return -errno;
    int received[DESCRIPTORS_SEEN];
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(received, CMSG_DATA(header), count * sizeof(int));
    }
    if (count <= 1 && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        if (count == 1) *descriptor = received[0];
        return length;
    }
    for (size_t index = 0; index < count; index++) close(received[index]);
    return -EMSGSIZE;
}

int hf_is_hung_up(int socket)
{
    struct pollfd asked = {.fd = socket};
    int ready;
    do ready = poll(&asked, 1, 0);
    while (ready < 0 && errno == EINTR);
    return ready < 0 ? -errno : (asked.revents & POLLHUP) != 0;
}

// --- processes ---

// Nobody has seen the child yet: without a descriptor of it, it must not live.
static int open_child(pid_t process, int *process_descriptor)
{
    *process_descriptor = RESULT((int)syscall(SYS_pidfd_open, process, 0));
    if (*process_descriptor >= 0) return process;
    kill(process, SIGKILL);
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
    }
    return *process_descriptor;
}

int hf_spawn(
    const char *path, const char *const arguments[], const char *const environment[], int program, int connection,
    int output, int *process_descriptor)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t process = -1;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawn_file_actions_init(&files);
    if (failure) return -failure;
    if ((failure = posix_spawnattr_init(&attributes))) {
        posix_spawn_file_actions_destroy(&files);
        return -failure;
    }
    // In this order: what is given may be one of 0 to 2.
    if (!failure && connection >= 0) failure = posix_spawn_file_actions_adddup2(&files, connection, 3);
    if (!failure && program >= 0) failure = posix_spawn_file_actions_adddup2(&files, program, 4);
    if (!failure && output >= 0) failure = posix_spawn_file_actions_adddup2(&files, output, 2);
    if (!failure && output >= 0) failure = posix_spawn_file_actions_adddup2(&files, 2, 1);
    if (!failure && output < 0) failure = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (!failure) failure = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    int first_free = program >= 0 ? 5 : connection >= 0 ? 4 : 3;
    if (!failure) failure = posix_spawn_file_actions_addclosefrom_np(&files, first_free);
    if (!failure) failure = posix_spawnattr_setsigmask(&attributes, &none);
    if (!failure) failure = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!failure)
        failure = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    if (!failure)
        failure = posix_spawn(
            &process, program >= 0 ? "/proc/self/fd/4" : path, &files, &attributes, (char *const *)arguments,
            (char *const *)environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure ? -failure : open_child(process, process_descriptor);
}

int hf_open_program(const char *path)
{
    int opened = open(path, O_PATH | O_CLOEXEC);
    if (opened < 0) return -errno;
    int descriptor = RESULT(fcntl(opened, F_DUPFD_CLOEXEC, 10));
    close(opened);
    return descriptor;
}

int hf_set_process_name(const char *name) { return RESULT(prctl(PR_SET_NAME, name, 0, 0, 0)); }

int hf_output_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    return RESULT(fcntl(ends[0], F_SETFL, O_NONBLOCK));
}

int hf_process_kill(int process_descriptor)
{
    return RESULT((int)syscall(SYS_pidfd_send_signal, process_descriptor, SIGKILL, NULL, 0));
}

int hf_process_reap(int process_descriptor, int *status)
{
    siginfo_t end = {0};
    if (waitid((idtype_t)P_PIDFD, (id_t)process_descriptor, &end, WEXITED | WNOHANG) < 0) return -errno;
    *status = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
    return end.si_pid != 0;
}
