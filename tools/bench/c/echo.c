// echo HOST PORT PORTS: sends every UDP packet on PORTS sockets back to where it came from: the cheapest peer that a media generator can have. Beside that it is a ruler from
// outside: for PCMU packets (payload type 0) it measures how far each was behind its stream's own schedule, by the kernel's receive time and the RTP timestamp,
// the stream's earliest packet since the last report being on time. A line on stdin asks for a report since the last one; the end of stdin ends the program.

#include "rtp.h"
#include <linux/sock_diag.h>
#include <sys/epoll.h>

enum { TABLE = 1 << 17, BUCKETS = 10000, BUCKETS_PER_MS = 10, TICKS_PER_MS = 8, HEADER_BYTES = 12 };

struct stream {
  uint64_t key; // 0: free
  uint32_t first_timestamp;
  double earliest_ms; // arrival less RTP time
};

static struct stream streams[TABLE];
static uint64_t lateness[BUCKETS];
static long packets, bytes_received, measured, refused;

static uint8_t bytes[BATCH][PACKET_BYTES_MAX];
static uint8_t control[BATCH][CMSG_SPACE(sizeof(struct timespec))];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static struct stream *stream_of(uint64_t key, int *is_new) {
  uint32_t at = (key * 0x9e3779b97f4a7c15u) >> 47;
  for (int tries = 0; tries < TABLE; tries++, at = (at + 1) % TABLE) {
    *is_new = streams[at].key == 0;
    if (*is_new || streams[at].key == key) return &streams[at];
  }
  fputs("more streams than the table holds\n", stderr);
  exit(1);
}

static void measure(const uint8_t *packet, const struct sockaddr_in *from, const struct timespec *arrival) {
  uint32_t timestamp_be, ssrc_be;
  memcpy(&timestamp_be, packet + 4, 4);
  memcpy(&ssrc_be, packet + 8, 4);
  int is_new;
  uint64_t key = (uint64_t)from->sin_port << 32 | ssrc_be | 1ull << 63;
  struct stream *stream = stream_of(key, &is_new);
  if (is_new) *stream = (struct stream){.key = key, .first_timestamp = ntohl(timestamp_be), .earliest_ms = 1e300};
  double rtp_ms = (double)(int32_t)(ntohl(timestamp_be) - stream->first_timestamp) / TICKS_PER_MS;
  double offset_ms = arrival->tv_sec * 1e3 + arrival->tv_nsec / 1e6 - rtp_ms;
  if (offset_ms < stream->earliest_ms) stream->earliest_ms = offset_ms;
  double late = (offset_ms - stream->earliest_ms) * BUCKETS_PER_MS;
  lateness[late < BUCKETS - 1 ? (int)late : BUCKETS - 1]++;
  measured++;
}

/** Upper edge of the bucket below which `share` of the packets are. */
static double quantile_ms(double share) {
  long seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += lateness[i];
    if (seen > 0 && seen >= share * measured) return (double)(i + 1) / BUCKETS_PER_MS;
  }
  return 0;
}

static void serve(int fd) {
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = bytes[i], .iov_len = PACKET_BYTES_MAX};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &vectors[i], .msg_iovlen = 1,
                                          .msg_control = control[i], .msg_controllen = sizeof control[i]};
  }
  int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) {
    struct cmsghdr *stamp = CMSG_FIRSTHDR(&messages[i].msg_hdr);
    vectors[i].iov_len = messages[i].msg_len;
    bytes_received += messages[i].msg_len;
    // Second byte 0: payload type 0 without marker; a stream's first packet may carry one and is left out.
    if (stamp && messages[i].msg_len >= HEADER_BYTES && bytes[i][0] >> 6 == 2 && bytes[i][1] == 0) measure(bytes[i], &peers[i], (void *)CMSG_DATA(stamp));
    messages[i].msg_hdr.msg_controllen = 0;
  }
  if (count > 0) packets += count;
  for (int done = 0; done < count;) {
    int n = sendmmsg(fd, messages + done, count - done, 0);
    if (n < 0) refused++; // That one packet; the next may go.
    done += n < 0 ? 1 : n;
  }
}

static void report(const int *sockets, long ports) {
  long dropped = 0;
  for (long i = 0; i < ports; i++) {
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t length = sizeof info;
    if (getsockopt(sockets[i], SOL_SOCKET, SO_MEMINFO, info, &length) == 0) dropped += info[SK_MEMINFO_DROPS];
  }
  printf("{\"packets\":%ld,\"bytes\":%ld,\"measured\":%ld,\"latenessMsP50\":%.1f,\"latenessMsP99\":%.1f,\"latenessMsMax\":%.1f,\"refused\":%ld,\"dropsEver\":%ld,\"cpuSecondsEver\":%.6f}\n",
         packets, bytes_received, measured, quantile_ms(0.5), quantile_ms(0.99), quantile_ms(1), refused, dropped, cpu_seconds());
  fflush(stdout);
  packets = bytes_received = measured = refused = 0;
  memset(lateness, 0, sizeof lateness);
  for (int i = 0; i < TABLE; i++) streams[i].earliest_ms = 1e300;
}

int main(int argc, char **argv) {
  die_with_parent();
  long port = number(argc, argv, 2), ports = number(argc, argv, 3);
  int poller = epoll_create1(0), on = 1;
  int *sockets = calloc(ports, sizeof *sockets);
  for (long i = 0; i < ports; i++) {
    sockets[i] = udp_socket(argv[1], port + i);
    if (setsockopt(sockets[i], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) die("SO_TIMESTAMPNS");
    epoll_ctl(poller, EPOLL_CTL_ADD, sockets[i], &(struct epoll_event){.events = EPOLLIN, .data.fd = sockets[i]});
  }
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){.events = EPOLLIN, .data.fd = STDIN_FILENO});
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event ready[BATCH];
    int count = epoll_wait(poller, ready, BATCH, -1);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.fd != STDIN_FILENO) serve(ready[i].data.fd);
      else if (read(STDIN_FILENO, bytes[0], sizeof bytes[0]) <= 0) return 0;
      else report(sockets, ports);
    }
  }
}
