// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxMount.h"
#include "result.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
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

const int hf_o_path = O_PATH;

_Static_assert(sizeof(struct hf_statmount) == 512, "struct statmount is 512 bytes before its strings");

/* struct mnt_id_req, first version (6.8). */
struct mount_id_request {
    uint32_t size, spare;
    uint64_t mount_id, parameter;
};

int hf_close(int descriptor) { return RESULT(close(descriptor)); }

int hf_dup3(int from, int to) { return RESULT(dup3(from, to, O_CLOEXEC)); }

ssize_t hf_read(int descriptor, void *buffer, size_t size) {
    ssize_t count;
    do {
        count = read(descriptor, buffer, size);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int64_t hf_seek_end(int descriptor) { return RESULT(lseek(descriptor, 0, SEEK_END)); }

int hf_fsopen(const char *type) { return RESULT(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }

int hf_fspick(int mount) { return RESULT(syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)); }

int hf_fsconfig(int context, unsigned command, const char *key, const void *value, int auxiliary) {
    return RESULT(syscall(SYS_fsconfig, context, command, key, value, auxiliary));
}

int hf_fsmount(int context, unsigned attributes) {
    return RESULT(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes));
}

int hf_open_tree_clone(int folder, const char *path, unsigned at_flags) {
    return RESULT(syscall(SYS_open_tree, folder, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | at_flags));
}

int hf_mount_setattr(int folder, const char *path, unsigned at_flags, uint64_t set, uint64_t clear,
                     uint64_t propagation) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return RESULT(syscall(SYS_mount_setattr, folder, path, at_flags, &attributes, sizeof attributes));
}

int hf_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
    return RESULT(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

int hf_umount(const char *path, int flags) { return RESULT(umount2(path, flags)); }

int hf_openat2(int folder, const char *path, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
    long descriptor;
    do {
        descriptor = syscall(SYS_openat2, folder, path, &how, sizeof how);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor < 0 ? -errno : (int)descriptor;
}

int hf_mkdirat(int folder, const char *name, unsigned mode) { return RESULT(mkdirat(folder, name, mode)); }

int hf_unlinkat(int folder, const char *name, int flags) { return RESULT(unlinkat(folder, name, flags)); }

int hf_fchmod(int descriptor, unsigned mode) { return RESULT(fchmod(descriptor, mode)); }

int hf_fchown(int descriptor, unsigned uid, unsigned gid) { return RESULT(fchown(descriptor, uid, gid)); }

int hf_statx(int folder, const char *path, unsigned at_flags, unsigned mask, struct hf_statx *status) {
    struct statx buffer;
    memset(&buffer, 0, sizeof buffer);
    if (statx(folder, path, (int)at_flags, mask, &buffer) < 0) return -errno;
    *status = (struct hf_statx){
        .device = makedev(buffer.stx_dev_major, buffer.stx_dev_minor),
        .inode = buffer.stx_ino,
        .mask = buffer.stx_mask,
        .mode = buffer.stx_mode,
        .uid = buffer.stx_uid,
        .gid = buffer.stx_gid,
        .rdev_major = buffer.stx_rdev_major,
        .rdev_minor = buffer.stx_rdev_minor,
    };
    /* stx_mnt_id by its offset: glibc 2.36 has it, but not every libc that this may be built with. */
    memcpy(&status->mount_id, (const char *)&buffer + 0x90, sizeof status->mount_id);
    return 0;
}

int hf_handle_mount_id(int folder, const char *path, unsigned at_flags, uint64_t *mount_id) {
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } buffer;
    buffer.handle.handle_bytes = MAX_HANDLE_SZ;
    return RESULT(syscall(SYS_name_to_handle_at, folder, path, &buffer, mount_id,
                          HANDLE_FID | HANDLE_MNT_ID_UNIQUE | at_flags));
}

int hf_get_inode_flags(int descriptor, unsigned *flags) { return RESULT(ioctl(descriptor, FS_IOC_GETFLAGS, flags)); }

int hf_set_inode_flags(int descriptor, unsigned flags) { return RESULT(ioctl(descriptor, FS_IOC_SETFLAGS, &flags)); }

ssize_t hf_getdents(int descriptor, void *buffer, size_t size) {
    return RESULT(syscall(SYS_getdents64, descriptor, buffer, size));
}

int hf_statmount(uint64_t mount_id, uint64_t mask, void *buffer, size_t size) {
    struct mount_id_request request = {.size = sizeof request, .mount_id = mount_id, .parameter = mask};
    return RESULT(syscall(SYS_statmount, &request, buffer, size, 0));
}

ssize_t hf_listmount(uint64_t mount_id, uint64_t *ids, size_t count) {
    struct mount_id_request request = {.size = sizeof request, .mount_id = mount_id};
    return RESULT(syscall(SYS_listmount, &request, ids, count, 0));
}

int hf_probe_open_tree_attr(void) { return RESULT(syscall(SYS_open_tree_attr, -1, "", ~0U, NULL, 0)); }
