// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxHost.h"
#include "result.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <malloc.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

// Newer than Debian 12's headers (6.1).
#ifndef FAN_REPORT_MNT
#define FAN_REPORT_MNT 0x00004000
#endif
#ifndef FAN_MARK_MNTNS
#define FAN_MARK_MNTNS 0x00000110
#endif
#ifndef FAN_MNT_ATTACH
#define FAN_MNT_ATTACH 0x01000000
#define FAN_MNT_DETACH 0x02000000
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

// --- files ---

ssize_t hf_read_link(int folder, const char *name, char *buffer, size_t capacity)
{
    ssize_t length = readlinkat(folder, name, buffer, capacity);
    if (length < 0) return -errno;
    return (size_t)length < capacity ? length : -ENAMETOOLONG;
}

int hf_set_attribute(const char *path, const char *name, const void *value, size_t count)
{
    return RESULT(setxattr(path, name, value, count, 0));
}

ssize_t hf_get_attribute(const char *path, const char *name, void *value, size_t capacity)
{
    return RESULT(getxattr(path, name, value, capacity));
}

int hf_ask_filesystem(int descriptor)
{
    struct statfs answer;
    return RESULT(fstatfs(descriptor, &answer));
}

int hf_status_flags(int descriptor) { return RESULT(fcntl(descriptor, F_GETFL)); }

int hf_make_block_node(const char *path, uint32_t mode, uint32_t major, uint32_t minor)
{
    return RESULT(mknod(path, S_IFBLK | mode, makedev(major, minor)));
}

int hf_truncate(int descriptor, uint64_t size) { return RESULT(ftruncate(descriptor, (off_t)size)); }

ssize_t hf_read_at(int descriptor, void *buffer, size_t count, uint64_t offset)
{
    return RESULT(pread(descriptor, buffer, count, (off_t)offset));
}

ssize_t hf_write(int descriptor, const void *buffer, size_t count) { return RESULT(write(descriptor, buffer, count)); }

// --- locks ---

int hf_flock_exclusive_now(int descriptor) { return RESULT(flock(descriptor, LOCK_EX | LOCK_NB)); }
int hf_flock_shared_now(int descriptor) { return RESULT(flock(descriptor, LOCK_SH | LOCK_NB)); }
int hf_flock_release(int descriptor) { return RESULT(flock(descriptor, LOCK_UN)); }

static struct flock byte_lock(short type, uint64_t offset, uint64_t count)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)count};
}

int hf_lock_byte(int descriptor, uint64_t offset)
{
    struct flock lock = byte_lock(F_WRLCK, offset, 1);
    int result;
    do result = fcntl(descriptor, F_OFD_SETLKW, &lock);
    while (result < 0 && errno == EINTR);
    return RESULT(result);
}

int hf_unlock_byte(int descriptor, uint64_t offset)
{
    struct flock lock = byte_lock(F_UNLCK, offset, 1);
    return RESULT(fcntl(descriptor, F_OFD_SETLK, &lock));
}

int hf_is_locked(int descriptor, uint64_t offset, uint64_t count)
{
    struct flock lock = byte_lock(F_WRLCK, offset, count);
    if (fcntl(descriptor, F_OFD_GETLK, &lock) < 0) return -errno;
    return lock.l_type != F_UNLCK;
}

// --- loop and block devices ---

int hf_loop_get_free(int control) { return RESULT(ioctl(control, LOOP_CTL_GET_FREE)); }

int hf_loop_configure(int device, int image, uint32_t flags, const char *file_name)
{
    struct loop_config config = {.fd = (uint32_t)image, .info = {.lo_flags = flags}};
    strncpy((char *)config.info.lo_file_name, file_name, LO_NAME_SIZE - 1);
    return RESULT(ioctl(device, LOOP_CONFIGURE, &config));
}

int hf_loop_status(int device, struct hf_loop_status *status)
{
    struct loop_info64 info = {0};
    if (ioctl(device, LOOP_GET_STATUS64, &info) < 0) return -errno;
    *status = (struct hf_loop_status){
        .device = info.lo_device,
        .inode = info.lo_inode,
        .offset = info.lo_offset,
        .size_limit = info.lo_sizelimit,
        .flags = info.lo_flags,
    };
    _Static_assert(sizeof status->file_name == sizeof info.lo_file_name, "file_name");
    memcpy(status->file_name, info.lo_file_name, sizeof status->file_name);
    return 0;
}

ssize_t hf_loop_bound_numbers(const char *folder, uint32_t *numbers, size_t capacity)
{
    DIR *entries = opendir(folder);
    if (!entries) return -errno;
    ssize_t count = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(entries);
        if (!entry) {
            if (errno) count = -errno;
            break;
        }
        char *end = NULL;
        if (strncmp(entry->d_name, "loop", 4) != 0 || !isdigit((unsigned char)entry->d_name[4])) continue;
        unsigned long number = strtoul(entry->d_name + 4, &end, 10);
        if (*end != '\0' || number > UINT32_MAX) continue;
        char attributes[NAME_MAX + sizeof "/loop"];
        snprintf(attributes, sizeof attributes, "%s/loop", entry->d_name);
        if (faccessat(dirfd(entries), attributes, F_OK, 0) < 0) continue;
        if ((size_t)count < capacity) numbers[count] = (uint32_t)number;
        count++;
    }
    closedir(entries);
    return count;
}

int hf_block_size(int device, uint64_t *bytes) { return RESULT(ioctl(device, BLKGETSIZE64, bytes)); }

// --- mount events ---

int hf_mount_events_open(void)
{
    return RESULT(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_MNT, 0));
}

int hf_mount_events_mark(int events, int mount_namespace)
{
    uint64_t mask = FAN_MNT_ATTACH | FAN_MNT_DETACH;
    return RESULT(fanotify_mark(events, FAN_MARK_ADD | FAN_MARK_MNTNS, mask, mount_namespace, NULL));
}

int hf_duplicate(int descriptor) { return RESULT(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)); }

int hf_file_events_open(void) { return RESULT(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); }

int hf_file_events_add(int events, const char *path) { return RESULT(inotify_add_watch(events, path, IN_MODIFY)); }

int hf_file_events_remove(int events, int watch) { return RESULT(inotify_rm_watch(events, watch)); }

ssize_t hf_file_events_read(int events, int *watches, size_t capacity)
{
    _Alignas(struct inotify_event) char buffer[4096];
    if (capacity < sizeof buffer / sizeof(struct inotify_event)) return -EINVAL;
    ssize_t length = read(events, buffer, sizeof buffer);
    if (length < 0) return -errno;
    ssize_t count = 0;
    for (char *next = buffer; next < buffer + length;) {
        const struct inotify_event *event = (const struct inotify_event *)next;
        watches[count++] = event->mask & IN_Q_OVERFLOW ? -1 : event->wd;
        next += sizeof *event + event->len;
    }
    return count;
}

int hf_event_counter(void) { return RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int hf_wait_for_two(int first, int exceptional_only, int second, int64_t timeout_nanoseconds)
{
    struct pollfd waited[2] = {
        {.fd = first, .events = (short)(exceptional_only ? POLLPRI : POLLIN)},
        {.fd = second, .events = POLLIN},
    };
    struct timespec limit = {timeout_nanoseconds / 1000000000, timeout_nanoseconds % 1000000000};
    if (ppoll(waited, 2, timeout_nanoseconds < 0 ? NULL : &limit, NULL) < 0) return -errno;
    return (waited[0].revents ? HF_READY_FIRST : 0) | (waited[1].revents ? HF_READY_SECOND : 0);
}

// --- names ---

ssize_t hf_resolve(const char *host, int family, char *addresses, size_t capacity, const char **words)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    struct addrinfo *found = NULL;
    *words = NULL;
    int answer = getaddrinfo(host, NULL, &hints, &found);
    if (answer == EAI_SYSTEM) return -errno;
    if (answer == EAI_MEMORY) return -ENOMEM;
    if (answer != 0) {
        *words = gai_strerror(answer);
        return -EHOSTUNREACH;
    }
    size_t count = 0;
    for (struct addrinfo *next = found; next != NULL && count < capacity; next = next->ai_next) {
        char *text = addresses + count * HF_ADDRESS_SIZE;
        if (getnameinfo(next->ai_addr, next->ai_addrlen, text, HF_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) == 0) count++;
    }
    freeaddrinfo(found);
    return (ssize_t)count;
}

// --- processes ---

int hf_unshare_mounts(void) { return RESULT(unshare(CLONE_NEWNS)); }

// The old root is stacked on the new one at "." after the call (man 2 pivot_root, "pivot_root(".", ".")").
int hf_enter_root(void)
{
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0) return -errno;
    return RESULT(chdir("/"));
}

int hf_make_link(const char *target, int folder, const char *name) { return RESULT(symlinkat(target, folder, name)); }

int hf_change_folder(int descriptor) { return RESULT(fchdir(descriptor)); }

int hf_peer_credentials(int socket, struct hf_peer *peer)
{
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
    *peer = (struct hf_peer){credentials.pid, credentials.uid, credentials.gid};
    return 0;
}

int hf_peer_process_descriptor(int socket)
{
    int descriptor = -1;
    socklen_t length = sizeof descriptor;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &descriptor, &length) < 0) return -errno;
    return descriptor;
}

ssize_t hf_peer_groups(int socket, uint32_t *groups, size_t capacity, size_t *needed)
{
    socklen_t length = (socklen_t)(capacity * sizeof *groups);
    int outcome = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
    int error = errno;
    *needed = length / sizeof *groups;
    return outcome < 0 ? -error : (ssize_t)*needed;
}

int hf_set_dumpable(int dumpable) { return RESULT(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0)); }
int hf_dumpable(void) { return RESULT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)); }
int hf_raise_descriptor_limit(uint64_t *limit)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) return -errno;
    files.rlim_cur = files.rlim_max;
    *limit = files.rlim_max;
    return RESULT(setrlimit(RLIMIT_NOFILE, &files));
}

uint32_t hf_set_file_creation_mask(uint32_t mask) { return umask(mask); }

int hf_limit_malloc_arenas(int count) { return mallopt(M_ARENA_MAX, count) == 1 ? 0 : -EINVAL; }
