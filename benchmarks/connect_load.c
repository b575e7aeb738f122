/* The load of benchmark `splice`: new TLS connections, straight or through CONNECT, to the first byte of the ServerHello.
 *
 *     connect_load HOST ORIGIN_PORT PROXY_PORT SECONDS IN_FLIGHT [RATE] < CLIENT_HELLO
 *
 * One thread, one epoll, nothing allocated once it runs: the load must cost less than what it measures. Proxy port 0 goes
 * to the origin at 127.0.0.1 directly. Without a RATE so many connections are kept in flight. With one they begin at that rate whether
 * earlier ones have ended or not, and their time counts from when they were due: waiting for answers would hide the queue.
 * Prints connections a second, the number of those that failed, and the 50th and 99th percentile of their times in ms.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST 8192       /* connections at a time; one that is due beyond them counts as failed */
#define LIMIT 15000000000LL /* ns for one connection */
#define HEAD_MOST 2048

enum stage { FREE, CONNECTING, ASKED, GREETED };

struct connection {
    int fd;
    enum stage stage;
    int64_t due;
    size_t got;
    char head[HEAD_MOST];
};

static struct connection connections[MOST];
static int free_places[MOST], free_count;
static char hello[4096], ask[1024];
static ssize_t hello_length, ask_length;
static struct sockaddr_in target;
static int poller;
static long done, failed, began_count, times_count, times_most;
static int64_t *times;

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void end(struct connection *one, int good)
{
    if (times_count < times_most)
        times[times_count++] = now() - one->due;
    done += good;
    failed += !good;
    close(one->fd);
    one->stage = FREE;
    free_places[free_count++] = (int)(one - connections);
}

static void begin(int64_t due)
{
    began_count++;
    if (!free_count) {
        failed++;
        return;
    }
    struct connection *one = &connections[free_places[--free_count]];
    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    one->due = due;
    one->got = 0;
    one->stage = CONNECTING;
    if (one->fd < 0) {
        perror("socket");
        exit(1);
    }
    int on = 1;
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event wanted = {EPOLLOUT, {.ptr = one}};
    epoll_ctl(poller, EPOLL_CTL_ADD, one->fd, &wanted);
    if (connect(one->fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)
        end(one, 0);
}

static int say(struct connection *one, const char *what, ssize_t length, enum stage next)
{
    one->stage = next;
    return send(one->fd, what, length, MSG_NOSIGNAL) == length;
}

static void connected(struct connection *one)
{
    struct epoll_event wanted = {EPOLLIN, {.ptr = one}};
    epoll_ctl(poller, EPOLL_CTL_MOD, one->fd, &wanted);
    if (!(ask_length ? say(one, ask, ask_length, ASKED) : say(one, hello, hello_length, GREETED)))
        end(one, 0);
}

static void answered(struct connection *one)
{
    ssize_t length = recv(one->fd, one->head + one->got, HEAD_MOST - 1 - one->got, 0);
    if (length <= 0) {
        if (length == 0 || errno != EAGAIN)
            end(one, 0);
        return;
    }
    if (one->stage == GREETED) {
        end(one, one->head[0] == 0x16); /* a TLS record of type handshake */
        return;
    }
    one->got += length;
    one->head[one->got] = 0;
    if (!strstr(one->head, "\r\n\r\n")) {
        if (one->got == HEAD_MOST - 1)
            end(one, 0);
        return;
    }
    int welcome = !strncmp(one->head, "HTTP/1.1 200", 12) || !strncmp(one->head, "HTTP/1.0 200", 12);
    one->got = 0;
    if (!welcome || !say(one, hello, hello_length, GREETED))
        end(one, 0);
}

static void late(int64_t at)
{
    for (int i = 0; i < MOST; i++)
        if (connections[i].stage != FREE && at - connections[i].due > LIMIT)
            end(&connections[i], 0);
}

/* Begin what is due and tell the timer when the next is. Returns 0 when all have been begun. */
static int begin_due(int timer, int64_t start, int64_t until, double rate)
{
    for (;;) {
        int64_t due = start + (int64_t)(began_count / rate * 1e9);
        if (due >= until)
            return 0;
        if (due > now()) {
            struct itimerspec at = {{0, 0}, {due / 1000000000LL, due % 1000000000LL}};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
            return 1;
        }
        begin(due);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double percentile(int part)
{
    return times_count ? times[times_count * part / 100] / 1e6 : 0.0;
}

int main(int count, char **words)
{
    if (count < 6 || (hello_length = read(0, hello, sizeof hello)) <= 0) {
        fprintf(stderr, "connect_load HOST ORIGIN_PORT PROXY_PORT SECONDS IN_FLIGHT [RATE] < CLIENT_HELLO\n");
        return 2;
    }
    const char *host = words[1];
    int origin = atoi(words[2]), proxy = atoi(words[3]), in_flight = atoi(words[5]);
    double seconds = atof(words[4]), rate = count > 6 ? atof(words[6]) : 0;
    if (proxy)
        ask_length = snprintf(ask, sizeof ask, "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n", host, origin, host, origin);
    target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(proxy ? proxy : origin)};
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = MOST; i--;)
        free_places[free_count++] = i;
    times_most = (long)(seconds * (rate ? rate : 50000)) + MOST;
    times = malloc(times_most * sizeof *times);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event tick = {EPOLLIN, {.ptr = NULL}}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &tick);

    int64_t start = now(), until = start + (int64_t)(seconds * 1e9), swept = start, at;
    int beginning = 1;
    for (;;) {
        at = now();
        if (rate)
            beginning = beginning && begin_due(timer, start, until, rate);
        else
            for (beginning = at < until; beginning && MOST - free_count < in_flight;)
                begin(now());
        if (!beginning && free_count == MOST)
            break;
        int ready = epoll_wait(poller, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            struct connection *one = events[i].data.ptr;
            uint64_t ticks;
            if (!one)
                (void)!read(timer, &ticks, sizeof ticks);
            else if (one->stage == CONNECTING)
                connected(one);
            else if (one->stage != FREE)
                answered(one);
        }
        if (at - swept > 1000000000LL) {
            late(at);
            swept = at;
        }
    }
    double took = (now() - start) / 1e9;
    qsort(times, times_count, sizeof *times, by_size);
    printf("%.1f %ld %.3f %.3f\n", done / took, failed, percentile(50), percentile(99));
    return 0;
}
