// Replaces "f" without an fsync, from a program without a loader. For scenarios/.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  const int fd = open("f.new", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (write(fd, "new\n", 4) != 4 || close(fd) != 0) return 1;
  return rename("f.new", "f") == 0 ? 0 : 1;
}
