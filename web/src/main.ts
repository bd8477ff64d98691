import { load } from './player/load';
import { parseRoute } from './route';
import './session/secret'; // first of all, out of the address
import './styles/base.css';
import './styles/home.css';
import './styles/player.css';
import './styles/watch.css';

// The player's code is on its way beside the application's, so that the first picture waits for neither.
if (parseRoute(location.pathname).page === 'watch') load('hls').catch(() => null);

const root = document.getElementById('app');
if (root) {
  const { draw } = await import('./App');
  draw(root);
}
