import { describe, expect, it } from 'vitest';
import type { Engine, Sound } from './engine';
import { Face } from './face';

/** A face without a picture, and the engine that it has at the moment. */
class Player extends Face {
  readonly asked: number[] = [];

  constructor() {
    super(new EventTarget() as HTMLVideoElement);
  }

  /** A new attempt, whose engine finds these sounds and begins with the first. */
  attempt(...names: string[]): void {
    const { asked } = this;
    this.set({ sounds: [], heard: -1 });
    this.engine = { hear: (index: number) => asked.push(index) } as unknown as Engine;
    this.listening(names.map((name, index): Sound => ({ index, name })), 0);
  }

  heard(): string | undefined {
    const { sounds, heard } = this.snapshot;
    return sounds.find((s) => s.index === heard)?.name;
  }

  toggle(): void {}
  seek(): void {}
  goLive(): void {}
  again(): void {}
}

describe('several sounds', () => {
  it('are begun with as the engine does', () => {
    const player = new Player();
    player.attempt('English', 'Deutsch');
    expect(player.heard()).toBe('English');
    expect(player.asked).toEqual([]);
  });

  it('are chosen, and the choice holds in the next attempt, wherever the sound is then', () => {
    const player = new Player();
    player.attempt('English', 'Deutsch');
    player.hear(1);
    expect(player.heard()).toBe('Deutsch');
    player.attempt('English', 'français', 'Deutsch');
    expect(player.heard()).toBe('Deutsch');
    expect(player.asked).toEqual([1, 2]);
  });

  it('are the usual one where the chosen one is gone, and the chosen one when it is back', () => {
    const player = new Player();
    player.attempt('English', 'Deutsch');
    player.hear(1);
    player.attempt('English');
    expect(player.heard()).toBe('English');
    player.attempt('English', 'Deutsch');
    expect(player.heard()).toBe('Deutsch');
    player.hear(0);
    player.attempt('English', 'Deutsch');
    expect(player.heard()).toBe('English');
  });
});
