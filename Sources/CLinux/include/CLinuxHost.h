// SPDX-License-Identifier: Apache-2.0
// The host around the mounts: loop and block devices, mount events, namespaces, locks, peers.
#ifndef CLINUX_HOST_H
#define CLINUX_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// --- files ---

// Length of the text in `buffer` (not terminated), or -ENAMETOOLONG.
ssize_t hf_read_link(int folder, const char *name, char *buffer, size_t capacity);
int hf_set_attribute(const char *path, const char *name, const void *value, size_t count);
ssize_t hf_get_attribute(const char *path, const char *name, void *value, size_t capacity);
// Asks the filesystem for its statistics (fstatfs): 0 if it has answered.
int hf_ask_filesystem(int descriptor);
int hf_status_flags(int descriptor);
int hf_make_block_node(const char *path, uint32_t mode, uint32_t major, uint32_t minor);
int hf_truncate(int descriptor, uint64_t size);
ssize_t hf_read_at(int descriptor, void *buffer, size_t count, uint64_t offset);
ssize_t hf_write(int descriptor, const void *buffer, size_t count);

// --- locks ---

int hf_flock_exclusive_now(int descriptor);
int hf_flock_shared_now(int descriptor);
int hf_flock_release(int descriptor);
// Waits for a lock of the open file description on one byte (F_OFD_SETLKW), signals or not.
int hf_lock_byte(int descriptor, uint64_t offset);
int hf_unlock_byte(int descriptor, uint64_t offset);
// 1 if another open file description has locked one of the bytes, else 0; a count of 0 is all from there on.
int hf_is_locked(int descriptor, uint64_t offset, uint64_t count);

// --- loop and block devices ---

#define HF_LOOP_READ_ONLY 1u
#define HF_LOOP_AUTOCLEAR 4u

struct hf_loop_status {
    uint64_t device;
    uint64_t inode;
    uint64_t offset;
    uint64_t size_limit;
    uint32_t flags;
    uint8_t file_name[64];
};

int hf_loop_get_free(int control);
int hf_loop_configure(int device, int image, uint32_t flags, const char *file_name);
int hf_loop_status(int device, struct hf_loop_status *status);
// The numbers N of the loopN in `folder` (/sys/block) that hold a file, at most `capacity`; the count of all of them.
ssize_t hf_loop_bound_numbers(const char *folder, uint32_t *numbers, size_t capacity);
int hf_block_size(int device, uint64_t *bytes);

// --- mount events ---

int hf_mount_events_open(void);
int hf_mount_events_mark(int events, int mount_namespace);
int hf_duplicate(int descriptor);
int hf_event_counter(void);

// --- file events ---

// As many as one call of `hf_file_events_read` may need room for.
#define HF_FILE_EVENTS_ROOM 256

int hf_file_events_open(void);
// Watches a file for changes of its content; the number by which events name it.
int hf_file_events_add(int events, const char *path);
int hf_file_events_remove(int events, int watch);
// The numbers of the files that have changed, -1 for "perhaps all"; -EAGAIN where there are none.
ssize_t hf_file_events_read(int events, int *watches, size_t capacity);

#define HF_READY_FIRST 1
#define HF_READY_SECOND 2

// Waits until the first is readable or exceptional (POLLIN is left out if `exceptional_only`), or the second readable.
// A negative timeout waits for ever.
int hf_wait_for_two(int first, int exceptional_only, int second, int64_t timeout_nanoseconds);

// --- names ---

#define HF_ADDRESS_SIZE 64

// The addresses of a host, IPv4 (`family` 4), IPv6 (6) or both (0), each as a text that ends with NUL in its own
// HF_ADDRESS_SIZE bytes; their count. Where there are none -EHOSTUNREACH, and the resolver's words.
ssize_t hf_resolve(const char *host, int family, char *addresses, size_t capacity, const char **words);

// --- processes ---

// Gives the calling thread a mount namespace of its own; its mounts still share propagation with those it had.
int hf_unshare_mounts(void);
// Makes the current folder, which must be the root of a mount, the root of the calling thread's mount namespace, and
// takes the old root away.
int hf_enter_root(void);
int hf_change_folder(int descriptor);
int hf_make_link(const char *target, int folder, const char *name);

struct hf_peer {
    int32_t process;
    uint32_t user;
    uint32_t group;
};

int hf_peer_credentials(int socket, struct hf_peer *peer);
int hf_peer_process_descriptor(int socket);
// The count of the peer's supplementary groups; -ERANGE with *needed set if `capacity` is too small.
ssize_t hf_peer_groups(int socket, uint32_t *groups, size_t capacity, size_t *needed);
int hf_set_dumpable(int dumpable);
int hf_dumpable(void);
// Lets the process have as many descriptors as it may let itself have (RLIMIT_NOFILE), and says how many.
int hf_raise_descriptor_limit(uint64_t *limit);
uint32_t hf_set_file_creation_mask(uint32_t mask);
// At most so many arenas of malloc from now on (M_ARENA_MAX); -EINVAL where the library refuses.
int hf_limit_malloc_arenas(int count);

#endif
