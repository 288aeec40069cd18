// SPDX-License-Identifier: Apache-2.0
// Tells ThreadSanitizer what a contended Mutex of Swift's Synchronization orders. The fast path is inlined into our own
// code, where the sanitizer sees its atomics; the slow one is in the library, which is built without it, so that every
// access after a wait for the lock would be reported as a race. Linked into programs by test-under-sanitizer.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void lockSlow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT void unlockSlow(SELF) __asm__(UNLOCK_SLOW);

SWIFT void lockSlow(uint32_t thread, SELF) {
    SWIFT void (*wait)(uint32_t, SELF) = dlsym(RTLD_NEXT, LOCK_SLOW);
    wait(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT void unlockSlow(SELF) {
    SWIFT void (*wake)(SELF) = dlsym(RTLD_NEXT, UNLOCK_SLOW);
    __tsan_release(mutex);
    wake(mutex);
}
