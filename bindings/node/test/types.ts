// What TypeScript makes of index.d.ts: `tsc --noEmit` on it is part of the tests.
import * as kinora from '..';

export async function played(player: kinora.Player): Promise<string[]> {
  const names: string[] = [];
  for await (const event of player) {
    names.push(event.name);
    if (event.error !== null) throw event.error;
  }
  return names;
}

export async function brightness(source: URL): Promise<number> {
  for await (const frame of kinora.frames(source, { start: 1.5, threads: 2 })) {
    const [luma] = frame.planes;
    return luma === undefined ? 0 : luma[0]! / 2 ** frame.bits;
  }
  return 0;
}

export function put(): kinora.Player {
  const player = new kinora.Player({ url: 'film.mp4' }, { autoplay: true, config: { max_buffer: 30_000 } });
  player.seek(1, { exact: true });
  player.rotation = 90;
  // @ts-expect-error A turn is a number.
  player.rotation = 'left';
  // @ts-expect-error The position is asked for, not set.
  player.position = 1;
  // @ts-expect-error There is no such option.
  return new kinora.Player('film.mp4', { autplay: true });
}

export const remedy = (error: unknown): string => (error instanceof kinora.PlaybackError ? error.remedy : '');
