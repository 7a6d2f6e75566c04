// Writes "f" by io_uring. Exit status 77: the kernel does not offer it. For scenarios/.
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

int main(void) {
  struct io_uring ring;
  struct io_uring_cqe* done;
  if (io_uring_queue_init(4, &ring, 0) != 0) return 77;
  const int fd = open("f", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  io_uring_prep_write(io_uring_get_sqe(&ring), fd, "new\n", 4, 0);
  if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &done) != 0) return 1;
  return done->res != 4 || close(fd) != 0;
}
