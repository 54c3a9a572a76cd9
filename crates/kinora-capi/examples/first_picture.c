/* Writes the picture of a time as PNG: first_picture film.mp4 12.5 picture.png */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kinora.h"

/* Tells what failed, and frees it. */
static int fail(kinora_fault *fault)
{
    char *report = kinora_fault_report(fault, "en");
    fprintf(stderr, "%s", report ? report : "no memory\n");
    kinora_text_free(report);
    kinora_fault_free(fault);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s SOURCE SECONDS PNG\n", argv[0]);
        return 2;
    }
    kinora_fault *fault = NULL;
    kinora_video_reader *reader = NULL;
    if (kinora_video_reader_open(argv[1], NULL, 1, &reader, &fault) != KINORA_OK)
        return fail(fault);

    kinora_frame *frame = NULL;
    int64_t time = (int64_t)(atof(argv[2]) * 1e6);
    if (kinora_video_reader_seek(reader, time, &fault) != KINORA_OK ||
        kinora_video_reader_next(reader, &frame, &fault) != KINORA_OK) {
        kinora_video_reader_free(reader);
        return fail(fault);
    }
    int status = 0;
    if (frame == NULL) {
        fprintf(stderr, "there is no picture\n");
        status = 1;
    } else if (kinora_frame_write_png(frame, argv[3], &fault) != KINORA_OK) {
        status = fail(fault);
    } else {
        kinora_picture picture = {.size = sizeof picture};
        kinora_frame_describe(frame, &picture);
        printf("%" PRIu32 "x%" PRIu32 " at %" PRId64 " us, %" PRIu32 " planes\n", picture.width, picture.height, picture.pts,
               picture.plane_count);
    }
    kinora_frame_free(frame);
    kinora_video_reader_free(reader);
    return status;
}
