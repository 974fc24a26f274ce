/*
 * Preloaded into a process, remembers what of a directory's files would outlive a power failure: of a file what it held
 * at its last fsync or fdatasync, of a directory the names at its last fsync. Nothing else is kept, so a sync that is
 * missing loses something. The sync itself is not asked of the disk.
 *
 * UNSYNCED_WATCHED is the directory, UNSYNCED_KEPT another one, which gets a file for each inode:
 *   <inode>     a file's octets
 *   <inode>.d   a directory's entries, a line each: inode, blank, "d" or "f", blank, name
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int keep_octets(const char *from, const char *to) {
  char block[1 << 16];
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ssize_t octets = -1;
  if (in >= 0 && out >= 0)
    while ((octets = read(in, block, sizeof block)) > 0)
      if (write(out, block, octets) != octets) { octets = -1; break; }
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  return octets == 0 ? 0 : -1;
}

static int keep_entries(const char *from, const char *to) {
  DIR *directory = opendir(from);
  FILE *out = fopen(to, "w");
  if (!directory || !out) return -1;
  for (struct dirent *entry; (entry = readdir(directory));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      fprintf(out, "%lu %c %s\n", (unsigned long)entry->d_ino, entry->d_type == DT_DIR ? 'd' : 'f', entry->d_name);
  closedir(directory);
  return fclose(out);
}

static int keep(int fd) {
  const char *watched = getenv("UNSYNCED_WATCHED"), *kept = getenv("UNSYNCED_KEPT");
  char link[64], path[4096], to[4200], temporary[4216];
  struct stat facts;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (!watched || !kept || length < 0 || fstat(fd, &facts)) return 0;
  path[length] = 0;
  if (strncmp(path, watched, strlen(watched))) return 0;
  int is_directory = S_ISDIR(facts.st_mode);
  snprintf(to, sizeof to, "%s/%lu%s", kept, (unsigned long)facts.st_ino, is_directory ? ".d" : "");
  snprintf(temporary, sizeof temporary, "%s.new", to);
  if (is_directory ? keep_entries(path, temporary) : keep_octets(link, temporary)) return -1;
  return rename(temporary, to); /* so that a kill leaves the one or the other */
}

static int keep_in_turn(int fd) {
  pthread_mutex_lock(&one_at_a_time);
  int result = keep(fd);
  pthread_mutex_unlock(&one_at_a_time);
  return result;
}

int fsync(int fd) { return keep_in_turn(fd); }
int fdatasync(int fd) { return keep_in_turn(fd); }
