// receive HOST PORT PORTS IDLE_SECONDS GATHER_US: reads what comes in to PORTS sockets and only counts. GATHER_US is how long it lets packets gather between two looks,
// so that batches are fuller; 0 reads each as soon as it comes. At SIGTERM, or after IDLE_SECONDS without a packet, one line: packets, CPU seconds, and how many
// the kernel dropped because a buffer was full. Says "ready" first, so that nobody sends too early.

#include "rtp.h"
#include <linux/sock_diag.h>
#include <sys/epoll.h>

static volatile sig_atomic_t is_over;
static void on_signal(int signal) { is_over = signal; }

static uint8_t bytes[BATCH][PACKET_BYTES_MAX];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static uint32_t drops(int fd) {
  uint32_t info[SK_MEMINFO_VARS];
  socklen_t length = sizeof info;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

int main(int argc, char **argv) {
  die_with_parent();
  // Without SA_RESTART: the signal has to end the call that waits.
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
  long port = number(argc, argv, 2), ports = number(argc, argv, 3), idle_seconds = number(argc, argv, 4), gather_us = number(argc, argv, 5);
  int poller = epoll_create1(0);
  int *sockets = calloc(ports, sizeof *sockets);
  for (long i = 0; i < ports; i++) {
    sockets[i] = udp_socket(argv[1], port + i);
    epoll_ctl(poller, EPOLL_CTL_ADD, sockets[i], &(struct epoll_event){.events = EPOLLIN, .data.fd = sockets[i]});
  }
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = bytes[i], .iov_len = PACKET_BYTES_MAX};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  puts("ready");
  fflush(stdout);
  long packets = 0;
  struct epoll_event ready[BATCH];
  while (!is_over) {
    int count = epoll_wait(poller, ready, BATCH, idle_seconds * 1000);
    if (count == 0) break;
    if (gather_us > 0) usleep(gather_us);
    for (int i = 0; i < count; i++) {
      int n;
      do {
        n = recvmmsg(ready[i].data.fd, messages, BATCH, MSG_DONTWAIT, NULL);
        if (n > 0) packets += n;
      } while (n == BATCH && !is_over);
    }
  }
  long dropped = 0;
  for (long i = 0; i < ports; i++) dropped += drops(sockets[i]);
  printf("{\"packets\":%ld,\"cpuSeconds\":%.6f,\"drops\":%ld}\n", packets, cpu_seconds(), dropped);
  return 0;
}
