import { begin } from './player/early';
import { parseRoute } from './route';
import './session/secret'; // first of all, out of the address
import './styles/base.css';
import './styles/home.css';
import './styles/player.css';
import './styles/watch.css';

// The player begins while the application's code is on its way, so that the first picture does not wait for it.
const route = parseRoute(location.pathname);
if (route.page === 'watch') begin(route.name);

// Not awaited: the application's code uses this module's chunk, which would wait for itself.
const root = document.getElementById('app');
if (root) void import('./App').then(({ draw }) => draw(root));
