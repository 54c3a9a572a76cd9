/* A sink of one's own: plays a source and prints the mean brightness of each picture, and how much sound came: sink film.mp4 */
#include <inttypes.h>
#include <stdio.h>

#include "kinora.h"

static int32_t present(void *data, const kinora_frame *frame, int64_t ahead)
{
    (void)ahead;
    uint64_t *shown = data;
    kinora_picture picture = {.size = sizeof picture};
    if (kinora_frame_describe(frame, &picture) != KINORA_OK)
        return 22; /* EINVAL */
    uint64_t sum = 0;
    for (uint32_t y = 0; y < picture.height; y++) {
        const uint8_t *row = picture.planes[0] + y * picture.strides[0];
        for (uint32_t x = 0; x < picture.width; x++)
            sum += row[x];
    }
    printf("%" PRId64 " us: %" PRIu64 "\n", picture.pts, sum / ((uint64_t)picture.width * picture.height));
    *shown += 1;
    return 0;
}

/* A device that swallows sound and keeps time by the player's own clock. */
struct device {
    uint32_t rate;
    uint64_t queued, played;
    int64_t since; /* -1: it stands. */
};

static int32_t configure(void *data, uint32_t sample_rate, uint32_t channels)
{
    (void)channels;
    struct device *device = data;
    *device = (struct device){.rate = sample_rate, .since = device->since};
    return 0;
}

static int32_t queue(void *data, int64_t now, const float *samples, size_t frames)
{
    (void)now;
    (void)samples;
    ((struct device *)data)->queued += frames;
    return 0;
}

static uint64_t played(void *data, int64_t now)
{
    struct device *device = data;
    if (device->since >= 0) {
        device->played += (uint64_t)(now - device->since) * device->rate / 1000000;
        device->since = now;
        if (device->played > device->queued)
            device->played = device->queued;
    }
    return device->played;
}

static void run(void *data, int64_t now)
{
    ((struct device *)data)->since = now;
}

static void hold(void *data, int64_t now)
{
    played(data, now);
    ((struct device *)data)->since = -1;
}

static void flush(void *data, int64_t now)
{
    struct device *device = data;
    device->queued = device->played = 0;
    if (device->since >= 0)
        device->since = now;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s SOURCE\n", argv[0]);
        return 2;
    }
    uint64_t shown = 0;
    struct device device = {.since = -1};
    kinora_video_sink video = {.size = sizeof video, .data = &shown, .present = present};
    kinora_audio_sink audio = {.size = sizeof audio, .data = &device, .configure = configure, .queue = queue,
                               .played = played, .run = run, .hold = hold, .flush = flush};
    kinora_builder *builder = kinora_builder_new();
    kinora_builder_video_sink(builder, &video);
    kinora_builder_audio_sink(builder, &audio);
    kinora_builder_autoplay(builder, 1);
    kinora_player *player = NULL;
    if (kinora_builder_build(builder, &player, NULL) != KINORA_OK)
        return 1;
    kinora_player_open(player, argv[1]);
    int status = -1;
    while (status < 0) {
        kinora_event *event = kinora_player_wait_event(player, 30000);
        if (event == NULL)
            status = 1;
        else if (kinora_event_kind(event) == KINORA_EVENT_COMPLETION)
            status = 0;
        else if (kinora_event_kind(event) == KINORA_EVENT_ERROR)
            status = 1;
        kinora_event_free(event);
    }
    if (kinora_player_release(player, 5000, NULL) != KINORA_OK)
        status = 1;
    kinora_player_free(player);
    printf("%" PRIu64 " pictures, %" PRIu64 " samples\n", shown, device.queued);
    return status;
}
