// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxMount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h and sys/mount.h of glibc 2.36 define the same enumerations; linux/fs.h pulls in the former, so the
   mount calls go through syscall(2). The numbers are the same on every architecture that got them together. */
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#ifndef SYS_listmount
#define SYS_listmount 458
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

#define HANDLE_FID 0x200
#define HANDLE_MNT_ID_UNIQUE 0x001

extern int umount2(const char *path, int flags);

const int hf_o_path = O_PATH, hf_o_rdonly = O_RDONLY, hf_o_directory = O_DIRECTORY, hf_o_nofollow = O_NOFOLLOW,
          hf_o_cloexec = O_CLOEXEC, hf_o_nonblock = O_NONBLOCK;

_Static_assert(sizeof(struct hf_statmount) == 512, "struct statmount is 512 bytes before its strings");

/* struct mnt_id_req, first version (6.8). */
struct mount_id_request {
    uint32_t size, spare;
    uint64_t mount_id, parameter;
};

static inline int answer(long result) { return result < 0 ? -errno : (int)result; }

int hf_close(int descriptor) { return answer(close(descriptor)); }

int hf_dup3(int from, int to) { return answer(dup3(from, to, O_CLOEXEC)); }

ssize_t hf_read(int descriptor, void *buffer, size_t size) {
    ssize_t count;
    do {
        count = read(descriptor, buffer, size);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int64_t hf_seek_end(int descriptor) {
    off_t offset = lseek(descriptor, 0, SEEK_END);
    return offset < 0 ? -errno : offset;
}

int hf_fsopen(const char *type) { return answer(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }

int hf_fsconfig(int context, unsigned command, const char *key, const void *value, int auxiliary) {
    return answer(syscall(SYS_fsconfig, context, command, key, value, auxiliary));
}

int hf_fsmount(int context, unsigned attributes) {
    return answer(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes));
}

int hf_open_tree_clone(int folder, const char *path, unsigned at_flags) {
    return answer(syscall(SYS_open_tree, folder, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | at_flags));
}

int hf_mount_setattr(int folder, const char *path, unsigned at_flags, uint64_t set, uint64_t clear,
                     uint64_t propagation) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return answer(syscall(SYS_mount_setattr, folder, path, at_flags, &attributes, sizeof attributes));
}

int hf_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
    return answer(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

int hf_umount(const char *path, int flags) { return answer(umount2(path, flags)); }

int hf_openat2(int folder, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags, .resolve = resolve};
    long descriptor;
    do {
        descriptor = syscall(SYS_openat2, folder, path, &how, sizeof how);
    } while (descriptor < 0 && errno == EINTR);
    return answer(descriptor);
}

int hf_mkdirat(int folder, const char *name, unsigned mode) { return answer(mkdirat(folder, name, mode)); }

int hf_unlinkat(int folder, const char *name, int flags) { return answer(unlinkat(folder, name, flags)); }

int hf_fchmod(int descriptor, unsigned mode) { return answer(fchmod(descriptor, mode)); }

int hf_fchown(int descriptor, unsigned uid, unsigned gid) { return answer(fchown(descriptor, uid, gid)); }

int hf_statx(int folder, const char *path, unsigned at_flags, unsigned mask, struct hf_identity *identity) {
    struct statx buffer;
    memset(&buffer, 0, sizeof buffer);
    if (statx(folder, path, (int)at_flags, mask, &buffer) < 0) return -errno;
    /* stx_mnt_id by its offset: glibc 2.36 has it, but not every libc that this may be built with. */
    memcpy(&identity->mount_id, (const char *)&buffer + 0x90, sizeof identity->mount_id);
    identity->mask = buffer.stx_mask;
    identity->mode = buffer.stx_mode;
    identity->uid = buffer.stx_uid;
    identity->gid = buffer.stx_gid;
    return 0;
}

int hf_handle_mount_id(int folder, const char *path, unsigned at_flags, uint64_t *mount_id) {
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } buffer;
    buffer.handle.handle_bytes = MAX_HANDLE_SZ;
    return answer(syscall(SYS_name_to_handle_at, folder, path, &buffer, mount_id,
                          HANDLE_FID | HANDLE_MNT_ID_UNIQUE | at_flags));
}

int hf_get_inode_flags(int descriptor, unsigned *flags) { return answer(ioctl(descriptor, FS_IOC_GETFLAGS, flags)); }

int hf_set_inode_flags(int descriptor, unsigned flags) { return answer(ioctl(descriptor, FS_IOC_SETFLAGS, &flags)); }

ssize_t hf_getdents(int descriptor, void *buffer, size_t size) {
    long count = syscall(SYS_getdents64, descriptor, buffer, size);
    return count < 0 ? -errno : count;
}

int hf_statmount(uint64_t mount_id, uint64_t mask, void *buffer, size_t size) {
    struct mount_id_request request = {.size = sizeof request, .mount_id = mount_id, .parameter = mask};
    return answer(syscall(SYS_statmount, &request, buffer, size, 0));
}

ssize_t hf_listmount(uint64_t mount_id, uint64_t *ids, size_t count) {
    struct mount_id_request request = {.size = sizeof request, .mount_id = mount_id};
    long listed = syscall(SYS_listmount, &request, ids, count, 0);
    return listed < 0 ? -errno : listed;
}

int hf_probe_open_tree_attr(void) { return answer(syscall(SYS_open_tree_attr, -1, "", ~0U, NULL, 0)); }
