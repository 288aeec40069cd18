// SPDX-License-Identifier: Apache-2.0
// The mount API: contexts, detached mounts, the mount table, paths. Sources: man 2 fsopen … mount_setattr, openat2,
// statx, umount, and the kernel's include/uapi/linux/{mount,openat2,stat}.h. Values named here are the same on every
// architecture; those that differ are constants with a definition in mount.c.
#ifndef CLINUX_MOUNT_H
#define CLINUX_MOUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HF_AT_SYMLINK_NOFOLLOW 0x100
#define HF_AT_REMOVEDIR 0x200
#define HF_AT_NO_AUTOMOUNT 0x800
#define HF_AT_EMPTY_PATH 0x1000
#define HF_AT_STATX_DONT_SYNC 0x4000
#define HF_AT_RECURSIVE 0x8000

#define HF_FSCONFIG_SET_FLAG 0
#define HF_FSCONFIG_SET_STRING 1
#define HF_FSCONFIG_SET_FD 5
#define HF_FSCONFIG_CMD_CREATE 6
#define HF_FSCONFIG_CMD_RECONFIGURE 7
#define HF_FSCONFIG_CMD_CREATE_EXCL 8

#define HF_MOUNT_ATTR_RDONLY 0x1
#define HF_MOUNT_ATTR_NOSUID 0x2
#define HF_MOUNT_ATTR_NODEV 0x4
#define HF_MOUNT_ATTR_NOEXEC 0x8
#define HF_MOUNT_ATTR_ATIME_MASK 0x70
#define HF_MOUNT_ATTR_NOATIME 0x10
#define HF_MOUNT_ATTR_STRICTATIME 0x20
#define HF_MOUNT_ATTR_NODIRATIME 0x80
#define HF_MOUNT_ATTR_IDMAP 0x100000
#define HF_MOUNT_ATTR_NOSYMFOLLOW 0x200000

#define HF_MOVE_MOUNT_F_EMPTY_PATH 0x4
#define HF_MOVE_MOUNT_T_EMPTY_PATH 0x40
#define HF_MOVE_MOUNT_BENEATH 0x200

#define HF_MNT_FORCE 0x1
#define HF_MNT_DETACH 0x2
#define HF_MNT_EXPIRE 0x4
#define HF_UMOUNT_NOFOLLOW 0x8

#define HF_MS_UNBINDABLE 0x20000
#define HF_MS_PRIVATE 0x40000
#define HF_MS_SLAVE 0x80000
#define HF_MS_SHARED 0x100000

#define HF_RESOLVE_NO_XDEV 0x1
#define HF_RESOLVE_NO_MAGICLINKS 0x2
#define HF_RESOLVE_NO_SYMLINKS 0x4
#define HF_RESOLVE_BENEATH 0x8

#define HF_STATX_TYPE_MODE_OWNER_INODE 0x11b /* TYPE, MODE, UID, GID, INO */
#define HF_STATX_MNT_ID 0x1000
#define HF_STATX_MNT_ID_UNIQUE 0x4000

#define HF_STATMOUNT_SB_BASIC 0x1
#define HF_STATMOUNT_MNT_BASIC 0x2
#define HF_STATMOUNT_MNT_ROOT 0x8
#define HF_STATMOUNT_MNT_POINT 0x10
#define HF_STATMOUNT_FS_TYPE 0x20
#define HF_STATMOUNT_MNT_OPTS 0x80
#define HF_STATMOUNT_FS_SUBTYPE 0x100
#define HF_STATMOUNT_SB_SOURCE 0x200
#define HF_LSMT_ROOT UINT64_MAX

#define HF_FS_IMMUTABLE_FL 0x10
#define HF_SB_RDONLY 0x1

/* The one flag of man 2 open that Swift cannot see: glibc shows it only with _GNU_SOURCE. */
extern const int hf_o_path;

/* struct statmount of the kernel (6.8; later fields read as zero when the kernel does not know them). */
struct hf_statmount {
    uint32_t size, mnt_opts;
    uint64_t mask;
    uint32_t sb_dev_major, sb_dev_minor;
    uint64_t sb_magic;
    uint32_t sb_flags, fs_type;
    uint64_t mnt_id, mnt_parent_id;
    uint32_t mnt_id_old, mnt_parent_id_old;
    uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
    uint32_t mnt_root, mnt_point;
    uint64_t mnt_ns_id;
    uint32_t fs_subtype, sb_source;
    uint64_t spare[48];
};

/* What statx says that is of use here. */
struct hf_statx {
    uint64_t mount_id;
    uint64_t device; /* as the kernel encodes it (new_encode_dev) */
    uint64_t inode;
    uint32_t mask, mode, uid, gid;
    uint32_t rdev_major, rdev_minor; /* of the device that a device node stands for */
};

int hf_close(int descriptor);
int hf_dup3(int from, int to);
ssize_t hf_read(int descriptor, void *buffer, size_t size);
int64_t hf_seek_end(int descriptor);

int hf_fsopen(const char *type);
/* A context for the filesystem of an open mount. */
int hf_fspick(int mount);
int hf_fsconfig(int context, unsigned command, const char *key, const void *value, int auxiliary);
int hf_fsmount(int context, unsigned attributes);
int hf_open_tree_clone(int folder, const char *path, unsigned at_flags);
int hf_mount_setattr(int folder, const char *path, unsigned at_flags, uint64_t set, uint64_t clear,
                     uint64_t propagation);
int hf_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
int hf_umount(const char *path, int flags);

/* Always close-on-exec; begun again after a signal. A mode only with O_CREAT. */
int hf_openat2(int folder, const char *path, int flags, unsigned mode, uint64_t resolve);
int hf_mkdirat(int folder, const char *name, unsigned mode);
int hf_unlinkat(int folder, const char *name, int flags);
int hf_fchmod(int descriptor, unsigned mode);
int hf_fchown(int descriptor, unsigned uid, unsigned gid);
int hf_statx(int folder, const char *path, unsigned at_flags, unsigned mask, struct hf_statx *status);
/* The unique mount id of what a name leads to, without asking the filesystem for permission (6.12). */
int hf_handle_mount_id(int folder, const char *path, unsigned at_flags, uint64_t *mount_id);
int hf_get_inode_flags(int descriptor, unsigned *flags);
int hf_set_inode_flags(int descriptor, unsigned flags);
/* Entries of a folder as raw struct linux_dirent64 records (man 2 getdents). */
ssize_t hf_getdents(int descriptor, void *buffer, size_t size);

int hf_statmount(uint64_t mount_id, uint64_t mask, void *buffer, size_t size);
ssize_t hf_listmount(uint64_t mount_id, uint64_t *ids, size_t count);
/* Only for probes: ENOSYS or not. */
int hf_probe_open_tree_attr(void);

#endif
