// Models a power cut: keeps under $DURABLE_DIR what a disk would hold of the tree $DURABLE_SRC.
// fsync and fdatasync of a file copy it there, under the name that it has. fsync of a folder makes durable which names
// are in it: what was unlinked goes, what was renamed after its own fsync has its new name. Not modelled: a sector that
// is written by half, a disk that lies, and names without an fsync of their folder when the file itself was synced
// (ext4 and xfs write those as well).
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG (PATH_MAX + 300)

static void copy_file(int file, const char *to, const char *by_number) {
  char part[LONG + 8], buffer[1 << 16];
  snprintf(part, sizeof part, "%s.part", by_number);
  int out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ssize_t got;
  off_t at = 0;  // through the same descriptor: closing another one on this file would drop its POSIX locks
  while ((got = pread(file, buffer, sizeof buffer, at)) > 0) {
    if (write(out, buffer, got) != got) abort();
    at += got;
  }
  close(out);
  rename(part, by_number);
  unlink(part);
  if (link(by_number, part) || rename(part, to)) abort();  // at once: we may be killed between any two lines
}

static void copy_names(const char *from, const char *to, const char *numbers) {
  char here[LONG], there[LONG], number[LONG];
  struct dirent *entry;
  struct stat found;
  DIR *durable = opendir(to);
  while (durable && (entry = readdir(durable))) {
    if (entry->d_name[0] == '.') continue;
    snprintf(here, sizeof here, "%s/%s", from, entry->d_name);
    snprintf(there, sizeof there, "%s/%s", to, entry->d_name);
    if (access(here, F_OK)) unlink(there);
  }
  if (durable) closedir(durable);
  DIR *real = opendir(from);
  while (real && (entry = readdir(real))) {
    snprintf(here, sizeof here, "%s/%s", from, entry->d_name);
    snprintf(there, sizeof there, "%s/%s", to, entry->d_name);
    if (lstat(here, &found) || !S_ISREG(found.st_mode) || !access(there, F_OK)) continue;
    snprintf(number, sizeof number, "%s/%lu", numbers, (unsigned long)found.st_ino);
    if (!access(number, F_OK) && link(number, there)) abort();
  }
  if (real) closedir(real);
}

static void keep(int file) {
  const char *disk = getenv("DURABLE_DIR"), *tree = getenv("DURABLE_SRC");
  char link_name[64], path[PATH_MAX], to[LONG], numbers[LONG], by_number[LONG], lock[LONG];
  if (!disk || !tree) return;
  snprintf(link_name, sizeof link_name, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link_name, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = 0;
  struct stat found;
  if (strncmp(path, tree, strlen(tree)) || fstat(file, &found)) return;
  snprintf(to, sizeof to, "%s%s", disk, path + strlen(tree));
  snprintf(numbers, sizeof numbers, "%s/.numbers", disk);
  snprintf(by_number, sizeof by_number, "%s/%lu", numbers, (unsigned long)found.st_ino);
  snprintf(lock, sizeof lock, "%s/.lock", disk);
  mkdir(numbers, 0755);
  int turn = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  flock(turn, LOCK_EX);  // one copy at a time: an older one must not take the place of a newer one
  if (S_ISDIR(found.st_mode)) {
    mkdir(to, 0755);
    copy_names(path, to, numbers);
  } else if (S_ISREG(found.st_mode)) {
    copy_file(file, to, by_number);
  }
  close(turn);
}

int fsync(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  int failed = real(file);
  if (!failed) keep(file);
  return failed;
}

int fdatasync(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  int failed = real(file);
  if (!failed) keep(file);
  return failed;
}
