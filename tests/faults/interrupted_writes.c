/* Loaded before libc (LD_PRELOAD): counts the writes of a process below a directory, and makes one of them fail. An
 * event is a call that changes the file system: opening a file for writing, writing, syncing, renaming, removing,
 * linking, creating directories, changing modes and times.
 *
 * faults_arm(root, at, how) starts counting at 1:
 *   how 0: nothing fails;
 *   how 1: the process is killed just before event `at`, as by kill -9;
 *   how 2: as in a power failure: a write is done by half, and data that was written to any file but not synced is
 *          lost, alternately all of it or its second half; directory entries stay;
 *   how 3: the disk is full from event `at` on: only calls that need no space, such as removing, still work;
 *   how 4: event `at` fails with an input/output error, and all others succeed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, KILL, POWER, FULL, ONCE };
enum { FILES = 4096 };

static char root[PATH_MAX];
static long events, at;
static int how = -1;
static struct {
    dev_t device;
    ino_t number;
    int handle, dirty;
} files[FILES];
static int num_files;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void faults_arm(const char *directory, long when, int mode) {
    strncpy(root, directory, sizeof root - 1);
    events = 0, at = when, how = mode;
}

long faults_count(void) { return events; }

static int below(const char *path) {
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int handle_below(int handle) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int path_below(int directory, const char *path) {
    char here[PATH_MAX];
    if (path[0] == '/') return below(path);
    if (directory == AT_FDCWD) return getcwd(here, sizeof here) && below(here);
    return handle_below(directory);
}

static void die(void) {
    if (how == POWER)
        for (int i = 0; i < num_files; i++) {
            struct stat found;
            if (!files[i].dirty || fstat(files[i].handle, &found)) continue;
            REAL(ftruncate)(files[i].handle, (at + i) % 2 ? 0 : found.st_size / 2);
        }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts an event; returns whether the call must fail. */
static int event(int ours, int needs_room) {
    if (how < 0 || !ours) return 0;
    events++;
    if (how == KILL && events == at) die();
    if (how == POWER && events == at) die();
    if (how == FULL && events >= at && needs_room) {
        errno = ENOSPC;
        return 1;
    }
    if (how == ONCE && events == at) {
        errno = EIO;
        return 1;
    }
    return 0;
}

static int find(int handle) {
    struct stat found;
    if (fstat(handle, &found) || !S_ISREG(found.st_mode)) return -1;
    for (int i = 0; i < num_files; i++)
        if (files[i].device == found.st_dev && files[i].number == found.st_ino) return i;
    if (num_files == FILES) return -1;
    int copy = fcntl(handle, F_DUPFD_CLOEXEC, 400);
    if (copy < 0) return -1;
    files[num_files].device = found.st_dev, files[num_files].number = found.st_ino;
    files[num_files].handle = copy, files[num_files].dirty = 0;
    return num_files++;
}

static void mark(int handle, int dirty) {
    int i = how == POWER ? find(handle) : -1;
    if (i >= 0) files[i].dirty = dirty;
}

/* open() is an event if it creates or truncates a file. */
static int opening(int directory, const char *path, int flags, mode_t mode, int (*really)(int, const char *, int, ...)) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    int ours = how >= 0 && writes && path_below(directory, path);
    if (event(ours, (flags & O_CREAT) != 0)) return -1;
    int handle = really(directory, path, flags, mode);
    if (ours && handle >= 0 && (flags & O_TRUNC)) mark(handle, 1);
    return handle;
}

#define OPENED(flags)                                                                                                  \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) {
    OPENED(flags)
    return opening(AT_FDCWD, path, flags, mode, REAL(openat));
}
int open64(const char *path, int flags, ...) {
    OPENED(flags)
    return opening(AT_FDCWD, path, flags, mode, REAL(openat));
}
int openat(int directory, const char *path, int flags, ...) {
    OPENED(flags)
    return opening(directory, path, flags, mode, REAL(openat));
}
int openat64(int directory, const char *path, int flags, ...) {
    OPENED(flags)
    return opening(directory, path, flags, mode, REAL(openat));
}

/* Counts a write; a power failure writes the first half of the data. */
static int torn(int handle, const void *data, size_t size) {
    int ours = how >= 0 && handle_below(handle);
    if (ours && how == POWER && events + 1 == at && size > 1) {
        mark(handle, 1);
        REAL(write)(handle, data, size / 2);
    }
    if (event(ours, 1)) return 1;
    if (ours) mark(handle, 1);
    return 0;
}

ssize_t write(int handle, const void *data, size_t size) {
    return torn(handle, data, size) ? -1 : REAL(write)(handle, data, size);
}
ssize_t pwrite(int handle, const void *data, size_t size, off_t offset) {
    return torn(handle, data, 0) ? -1 : REAL(pwrite)(handle, data, size, offset);
}
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t offset) {
    return torn(handle, data, 0) ? -1 : REAL(pwrite64)(handle, data, size, offset);
}
ssize_t writev(int handle, const struct iovec *data, int count) {
    return torn(handle, NULL, 0) ? -1 : REAL(writev)(handle, data, count);
}
ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
    return torn(to, NULL, 0) ? -1 : REAL(sendfile)(to, from, offset, size);
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    return torn(to, NULL, 0) ? -1 : REAL(sendfile64)(to, from, offset, size);
}
ssize_t copy_file_range(int from, off64_t *there, int to, off64_t *here, size_t size, unsigned flags) {
    return torn(to, NULL, 0) ? -1 : REAL(copy_file_range)(from, there, to, here, size, flags);
}

static int syncing(int handle, int (*really)(int)) {
    if (event(how >= 0 && handle_below(handle), 1)) return -1;
    int failed = really(handle);
    if (how >= 0) mark(handle, failed != 0);
    return failed;
}
int fsync(int handle) { return syncing(handle, REAL(fsync)); }
int fdatasync(int handle) { return syncing(handle, REAL(fdatasync)); }

static int cutting(int handle) { return event(how >= 0 && handle_below(handle), 0); }
int ftruncate(int handle, off_t size) { return cutting(handle) ? -1 : REAL(ftruncate)(handle, size); }
int ftruncate64(int handle, off64_t size) { return cutting(handle) ? -1 : REAL(ftruncate64)(handle, size); }
int truncate(const char *path, off_t size) {
    return event(how >= 0 && path_below(AT_FDCWD, path), 0) ? -1 : REAL(truncate)(path, size);
}

#define AT_PATH(path, needs_room) event(how >= 0 && path_below(AT_FDCWD, path), needs_room)
#define AT_PLACE(directory, path, needs_room) event(how >= 0 && path_below(directory, path), needs_room)

int rename(const char *from, const char *to) { return AT_PATH(to, 1) ? -1 : REAL(rename)(from, to); }
int renameat(int one, const char *from, int other, const char *to) {
    return AT_PLACE(other, to, 1) ? -1 : REAL(renameat)(one, from, other, to);
}
int unlink(const char *path) { return AT_PATH(path, 0) ? -1 : REAL(unlink)(path); }
int unlinkat(int directory, const char *path, int flags) {
    return AT_PLACE(directory, path, 0) ? -1 : REAL(unlinkat)(directory, path, flags);
}
int rmdir(const char *path) { return AT_PATH(path, 0) ? -1 : REAL(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { return AT_PATH(path, 1) ? -1 : REAL(mkdir)(path, mode); }
int mkdirat(int directory, const char *path, mode_t mode) {
    return AT_PLACE(directory, path, 1) ? -1 : REAL(mkdirat)(directory, path, mode);
}
int link(const char *from, const char *to) { return AT_PATH(to, 1) ? -1 : REAL(link)(from, to); }
int linkat(int one, const char *from, int other, const char *to, int flags) {
    return AT_PLACE(other, to, 1) ? -1 : REAL(linkat)(one, from, other, to, flags);
}
int symlink(const char *from, const char *to) { return AT_PATH(to, 1) ? -1 : REAL(symlink)(from, to); }
int symlinkat(const char *from, int directory, const char *to) {
    return AT_PLACE(directory, to, 1) ? -1 : REAL(symlinkat)(from, directory, to);
}
int chmod(const char *path, mode_t mode) { return AT_PATH(path, 0) ? -1 : REAL(chmod)(path, mode); }
int fchmod(int handle, mode_t mode) { return cutting(handle) ? -1 : REAL(fchmod)(handle, mode); }
int fchmodat(int directory, const char *path, mode_t mode, int flags) {
    return AT_PLACE(directory, path, 0) ? -1 : REAL(fchmodat)(directory, path, mode, flags);
}
int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
    return AT_PLACE(directory, path, 0) ? -1 : REAL(utimensat)(directory, path, times, flags);
}
