/* The SCGI backend behind every gateway: one process, one epoll, no allocation but per connection.
 *
 *   backend SOCKET_PATH FILES
 *
 * listens on three TCP ports of 127.0.0.1 that it prints, and on SOCKET_PATH.  It does as little as a
 * backend can, so that what is measured is the gateway.  The answer depends on how REQUEST_URI ends:
 *
 *   .../small       13 bytes
 *   .../size/N      N bytes of the pattern
 *   .../file/N      names the file N in the directory FILES, for the gateway to send
 *   .../upload      how many bytes of body came, and whether all of them were the pattern
 *   .../stream      five bytes at once, then nothing until the gateway closes the connection
 *   .../release     ends all those streams
 *
 * The pattern at position i is i mod 251: a prime, so that no lost or doubled block goes unnoticed.
 * gevent_backend.py answers the same where there is no compiler.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PERIOD 251
#define PATTERN_SIZE (PERIOD * 1044) /* about 256 KiB */
#define HEAD_LIMIT 16384
#define BACKLOG 4096
#define EVENTS 256
#define PORTS 3 /* members of a balancer */

enum state { READING_HEAD, READING_BODY, WRITING, HOLDING };

struct connection {
    struct connection *next, **at; /* in the list of open streams, if it is one */
    int fd;
    enum state state;
    int is_listener;
    int watched_for; /* the events that epoll knows of */
    int wrong;       /* the body was not the pattern */
    size_t used;     /* bytes in buffer: of the request head, then of the response head */
    size_t sent;
    long long body_length, body_done;     /* of the request */
    long long answer_length, answer_done; /* of the pattern in the response */
    char uri_end[64];
    char buffer[HEAD_LIMIT];
};

static char pattern[PATTERN_SIZE];
static char scratch[PATTERN_SIZE];
static int poller;
static struct connection *streams;
static const char *files;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(struct connection *c, int events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (c->watched_for == events)
        return;
    if (epoll_ctl(poller, c->watched_for ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
    c->watched_for = events;
}

static void keep(struct connection *c)
{
    c->next = streams;
    c->at = &streams;
    if (streams != NULL)
        streams->at = &c->next;
    streams = c;
}

static void drop(struct connection *c)
{
    if (c->at != NULL)
        *c->at = c->next;
    if (c->at != NULL && c->next != NULL)
        c->next->at = c->at;
    close(c->fd);
    free(c);
}

static int ends_with(const struct connection *c, const char *ending)
{
    size_t length = strlen(c->uri_end), wanted = strlen(ending);
    return length >= wanted && strcmp(c->uri_end + length - wanted, ending) == 0;
}

/* End the streams: the reading side of each sees its end, and epoll tells serve(). */
static void release(void)
{
    for (struct connection *c = streams; c != NULL; c = c->next)
        shutdown(c->fd, SHUT_RDWR);
}

/* Choose the answer once the whole request is here. */
static void answer(struct connection *c)
{
    const char *size = strstr(c->uri_end, "/size/"), *file = strstr(c->uri_end, "/file/");
    char text[64] = "Hello, world\n";
    c->state = WRITING;
    c->sent = 0;
    c->answer_length = c->answer_done = 0;
    if (ends_with(c, "/stream")) {
        c->state = HOLDING;
        keep(c);
        c->used = snprintf(c->buffer, HEAD_LIMIT,
                           "Status: 200 OK\r\nContent-Type: text/plain\r\n"
                           "X-Accel-Buffering: no\r\n\r\nopen\n");
        return;
    }
    if (size != NULL) {
        c->answer_length = atoll(size + 6);
        c->used = snprintf(c->buffer, HEAD_LIMIT,
                           "Status: 200 OK\r\nContent-Type: application/octet-stream\r\n"
                           "Content-Length: %lld\r\n\r\n",
                           c->answer_length);
        return;
    }
    if (file != NULL) {
        file += 6;
        c->used = snprintf(c->buffer, HEAD_LIMIT,
                           "Status: 200 OK\r\nContent-Type: application/octet-stream\r\n"
                           "X-Sendfile: %s/%s\r\nX-Accel-Redirect: /files/%s\r\n\r\n",
                           files, file, file);
        return;
    }
    if (ends_with(c, "/upload"))
        snprintf(text, sizeof text, "%lld %s\n", c->body_done, c->wrong ? "wrong" : "right");
    else if (ends_with(c, "/release"))
        release();
    else if (!ends_with(c, "/small"))
        snprintf(text, sizeof text, "no such path\n");
    c->used = snprintf(c->buffer, HEAD_LIMIT,
                       "Status: 200 OK\r\nContent-Type: text/plain\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       strlen(text), text);
}

static void take_body(struct connection *c, const char *data, size_t length)
{
    size_t at = c->body_done % PERIOD;
    /* At most PATTERN_SIZE - PERIOD bytes at a time, so that the comparison stays inside. */
    if (memcmp(data, pattern + at, length) != 0)
        c->wrong = 1;
    c->body_done += length;
}

/* Read CONTENT_LENGTH and REQUEST_URI from the block; -1 if it is malformed. */
static int read_block(struct connection *c, char *block, char *end)
{
    char *uri = NULL;
    c->body_length = -1;
    if (end == block || end[-1] != '\0')
        return -1;
    while (block < end) {
        char *value = block + strlen(block) + 1;
        if (value >= end)
            return -1;
        if (strcmp(block, "CONTENT_LENGTH") == 0)
            c->body_length = atoll(value);
        else if (strcmp(block, "REQUEST_URI") == 0)
            uri = value;
        block = value + strlen(value) + 1;
    }
    if (uri == NULL || c->body_length < 0)
        return -1;
    size_t length = strlen(uri), kept = sizeof c->uri_end - 1;
    strcpy(c->uri_end, length > kept ? uri + length - kept : uri);
    return 0;
}

/* Look whether the head is complete: 1 if so, 0 if not yet, -1 if it is none. */
static int take_head(struct connection *c)
{
    char *colon = memchr(c->buffer, ':', c->used < 8 ? c->used : 8);
    if (colon == NULL)
        return c->used < 8 ? 0 : -1;
    size_t length = strtoul(c->buffer, NULL, 10), start = colon + 1 - c->buffer;
    if (length > HEAD_LIMIT - 16)
        return -1;
    if (c->used < start + length + 1)
        return 0;
    char *end = c->buffer + start + length;
    if (*end != ',' || read_block(c, colon + 1, end) < 0)
        return -1;
    c->body_done = c->wrong = 0;
    c->state = READING_BODY;
    take_body(c, end + 1, c->used - start - length - 1);
    return 1;
}

/* Return 1 once the request is complete, 0 if there is more to wait for, -1 at its end. */
static int receive(struct connection *c)
{
    while (c->state == READING_HEAD) {
        ssize_t n = recv(c->fd, c->buffer + c->used, HEAD_LIMIT - c->used, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        c->used += n;
        int verdict = take_head(c);
        if (verdict < 0 || (verdict == 0 && c->used == HEAD_LIMIT))
            return -1;
    }
    while (c->body_done < c->body_length) {
        ssize_t n = recv(c->fd, scratch, PATTERN_SIZE - PERIOD, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        take_body(c, scratch, n);
    }
    return 1;
}

/* Return 1 once all is sent, 0 if there is more to wait for, -1 if nobody wants it. */
static int transmit(struct connection *c)
{
    while (c->sent < c->used) {
        int more = c->answer_length > 0 ? MSG_MORE : 0;
        ssize_t n = send(c->fd, c->buffer + c->sent, c->used - c->sent, MSG_NOSIGNAL | more);
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        c->sent += n;
    }
    while (c->answer_done < c->answer_length) {
        size_t at = c->answer_done % PERIOD, size = PATTERN_SIZE - PERIOD;
        if ((long long)size > c->answer_length - c->answer_done)
            size = c->answer_length - c->answer_done;
        ssize_t n = send(c->fd, pattern + at, size, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        c->answer_done += n;
    }
    return 1;
}

static void serve(struct connection *c)
{
    if (c->state == HOLDING && c->sent == c->used) {
        char byte;
        if (recv(c->fd, &byte, 1, 0) >= 0 || errno != EAGAIN)
            drop(c);
        return;
    }
    if (c->state == READING_HEAD || c->state == READING_BODY) {
        int done = receive(c);
        if (done < 0)
            drop(c);
        else if (done == 0)
            watch(c, EPOLLIN);
        if (done <= 0)
            return;
        answer(c);
    }
    int done = transmit(c);
    if (done < 0 || (done > 0 && c->state != HOLDING))
        drop(c);
    else
        watch(c, done > 0 ? EPOLLIN : EPOLLOUT);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = malloc(sizeof *c);
        if (c == NULL)
            die("malloc");
        memset(c, 0, offsetof(struct connection, uri_end));
        c->fd = fd;
        serve(c); /* the request is usually there already */
    }
}

static void listen_at(struct sockaddr *address, socklen_t size)
{
    struct connection *c = calloc(1, sizeof *c);
    c->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->is_listener = 1;
    if (c->fd < 0 || bind(c->fd, address, size) < 0 || listen(c->fd, BACKLOG) < 0)
        die("listen");
    if (getsockname(c->fd, address, &size) < 0)
        die("getsockname");
    watch(c, EPOLLIN);
}

int main(int count, char **arguments)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct epoll_event events[EVENTS];
    if (count != 3 || strlen(arguments[1]) >= sizeof local.sun_path) {
        fprintf(stderr, "usage: backend SOCKET_PATH FILES\n");
        return 2;
    }
    files = arguments[2];
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (int i = 0; i < PATTERN_SIZE; i++)
        pattern[i] = i % PERIOD;
    poller = epoll_create1(EPOLL_CLOEXEC);
    strcpy(local.sun_path, arguments[1]);
    listen_at((struct sockaddr *)&local, sizeof local);
    for (int i = 0; i < PORTS; i++) {
        tcp.sin_port = 0; /* any */
        listen_at((struct sockaddr *)&tcp, sizeof tcp);
        printf("%d%c", ntohs(tcp.sin_port), i < PORTS - 1 ? ' ' : '\n');
    }
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->is_listener)
                accept_all(c->fd);
            else
                serve(c);
        }
    }
}
