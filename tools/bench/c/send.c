// send HOST SOURCE_PORT PORT PORTS STREAMS SECONDS RATE: RTP packets of 172 bytes (20 ms of PCMU) of STREAMS streams in turn, SSRCs 1 to STREAMS, stream i to
// PORT + i % PORTS, sequence numbers and timestamps advancing as RFC 3550 says; RATE packets a second in all, 0 = as fast as it goes. SOURCE_PORT 0: any.
// At the end, or at SIGTERM, one line: packets and CPU seconds.

#include "rtp.h"

enum { HEADER_BYTES = 12, PAYLOAD_BYTES = 160, PACKET_BYTES = HEADER_BYTES + PAYLOAD_BYTES, TIMESTAMP_STEP = 160 };

static volatile sig_atomic_t is_over;
static void on_signal(int signal) { is_over = signal; }

static void put_header(uint8_t *packet, uint16_t sequence, uint32_t timestamp) {
  uint16_t sequence_be = htons(sequence);
  uint32_t timestamp_be = htonl(timestamp);
  memcpy(packet + 2, &sequence_be, 2);
  memcpy(packet + 4, &timestamp_be, 4);
}

/** Sleeps until the packet with this number is due; at most once a millisecond, so that batches form. */
static void pace(double start, double rate, long sent) {
  double due = start + sent / rate;
  if (due - seconds(CLOCK_MONOTONIC) < 0.001) return;
  struct timespec until = {.tv_sec = (time_t)due, .tv_nsec = (long)((due - (time_t)due) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv) {
  die_with_parent();
  signal(SIGTERM, on_signal);
  long source_port = number(argc, argv, 2), port = number(argc, argv, 3), ports = number(argc, argv, 4), streams = number(argc, argv, 5);
  double for_seconds = number(argc, argv, 6), rate = number(argc, argv, 7);
  int fd = udp_socket(argv[1], source_port);
  struct mmsghdr *messages = calloc(streams, sizeof *messages);
  struct iovec *vectors = calloc(streams, sizeof *vectors);
  struct sockaddr_in *targets = calloc(streams, sizeof *targets);
  uint8_t *packets = calloc(streams, PACKET_BYTES);
  uint16_t *sequences = calloc(streams, sizeof *sequences);
  uint32_t *timestamps = calloc(streams, sizeof *timestamps);
  if (!messages || !vectors || !targets || !packets || !sequences || !timestamps) die("memory");
  for (long i = 0; i < streams; i++) {
    uint8_t *packet = packets + i * PACKET_BYTES;
    uint32_t ssrc_be = htonl(1 + i);
    packet[0] = 0x80;
    memcpy(packet + 8, &ssrc_be, 4);
    memset(packet + HEADER_BYTES, 0xff, PAYLOAD_BYTES);
    targets[i] = address(argv[1], port + i % ports);
    vectors[i] = (struct iovec){.iov_base = packet, .iov_len = PACKET_BYTES};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &targets[i], .msg_namelen = sizeof targets[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  long sent = 0;
  double start = seconds(CLOCK_MONOTONIC), end = start + for_seconds;
  while (!is_over && seconds(CLOCK_MONOTONIC) < end) {
    for (long first = 0; first < streams; first += BATCH) {
      int count = streams - first < BATCH ? streams - first : BATCH;
      for (long i = first; i < first + count; i++) put_header(packets + i * PACKET_BYTES, sequences[i]++, timestamps[i] += TIMESTAMP_STEP);
      for (int done = 0; done < count;) {
        int n = sendmmsg(fd, messages + first + done, count - done, 0);
        if (n < 0 && errno != EINTR) die("sendmmsg");
        if (n > 0) done += n;
      }
      sent += count;
      if (rate > 0) pace(start, rate, sent);
    }
  }
  printf("{\"packets\":%ld,\"cpuSeconds\":%.6f,\"seconds\":%.6f}\n", sent, cpu_seconds(), seconds(CLOCK_MONOTONIC) - start);
  return 0;
}
