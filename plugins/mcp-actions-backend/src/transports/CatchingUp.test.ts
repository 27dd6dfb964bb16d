import { expect, it } from 'vitest';
import { CatchingUp } from './CatchingUp.js';

function createOutlet() {
  const sent: string[] = [];
  return { sent, outlet: { send: (json: string) => void sent.push(json), end: () => void sent.push('end') } };
}

it('sends what was missed before what came meanwhile, and each event once', () => {
  const catchingUp = new CatchingUp();
  const { sent, outlet } = createOutlet();
  catchingUp.send('two', '2');
  catchingUp.send('three', '3');
  catchingUp.send('without an id', undefined);

  catchingUp.catchUp(outlet, [
    { id: '1', json: 'one' },
    { id: '2', json: 'two' },
  ]);
  catchingUp.send('four', '4');
  catchingUp.end();

  expect(sent).toEqual(['one', 'two', 'three', 'without an id', 'four', 'end']);
});

it('ends after what was missed, where the stream has ended meanwhile', () => {
  const catchingUp = new CatchingUp();
  const { sent, outlet } = createOutlet();
  catchingUp.send('two', '2');
  catchingUp.end();

  catchingUp.catchUp(outlet, [{ id: '1', json: 'one' }]);

  expect(sent).toEqual(['one', 'two', 'end']);
});
