/* Plays a source in silence and prints its events as lines of JSON, in a loop that waits for a descriptor: events film.mp4 */
#include <poll.h>
#include <stdio.h>

#include "kinora.h"

/* Prints what has come; whether playback is over. */
static int drain(const kinora_player *player, int *status)
{
    kinora_event *event;
    int is_over = 0;
    while ((event = kinora_player_wait_event(player, 0)) != NULL) {
        puts(kinora_event_json(event));
        switch (kinora_event_kind(event)) {
        case KINORA_EVENT_ERROR:
            *status = 1;
            is_over = 1;
            break;
        case KINORA_EVENT_COMPLETION:
            is_over = 1;
            break;
        default:
            break;
        }
        kinora_event_free(event);
    }
    return is_over;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s SOURCE\n", argv[0]);
        return 2;
    }
    kinora_builder *builder = kinora_builder_new();
    kinora_builder_autoplay(builder, 1);
    kinora_player *player = NULL;
    if (kinora_builder_build(builder, &player, NULL) != KINORA_OK)
        return 1;
    struct pollfd waiting = {.fd = -1, .events = POLLIN};
    int status = 0;
    if (kinora_player_wakeup_fd(player, &waiting.fd, NULL) != KINORA_OK || kinora_player_open(player, argv[1]) != KINORA_OK) {
        kinora_player_free(player);
        return 1;
    }
    while (!drain(player, &status)) {
        if (poll(&waiting, 1, 30000) <= 0) {
            fprintf(stderr, "nothing came in 30 s\n");
            status = 1;
            break;
        }
    }
    kinora_player_free(player);
    return status;
}
