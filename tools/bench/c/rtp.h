// What the three C baselines share: arguments, sockets, CPU time. Plain C for Linux, no library beside libc. Each program is what one would write who wants the
// system call's own speed and nothing else: batches of 64 through sendmmsg and recvmmsg, memory laid out once, no statistics.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PACKET_BYTES_MAX = 2048, BUFFER_BYTES = 8 << 20 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

/** Must not outlive the benchmark, however that ends. */
static void die_with_parent(void) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("prctl");
}

static long number(int argc, char **argv, int at) {
  if (at >= argc) {
    fprintf(stderr, "%s: argument %d is missing\n", argv[0], at);
    exit(2);
  }
  return atol(argv[at]);
}

static struct sockaddr_in address(const char *host, int port) {
  struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &result.sin_addr) != 1) die(host);
  return result;
}

/** Port 0: any. Buffers as big as the machine allows; beyond rmem_max where the user may. */
static int udp_socket(const char *host, int port) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int bytes = BUFFER_BYTES;
  struct sockaddr_in local = address(host, port);
  if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) != 0) die("bind");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  return fd;
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
