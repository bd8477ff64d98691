import { createRoot } from 'react-dom/client';
import { Home } from './pages/Home';
import { Lost } from './pages/Lost';
import { Watch } from './pages/Watch';
import { parseRoute } from './route';
import { usePath } from './router';
import { Footer } from './ui/Footer';
import { Header } from './ui/Header';

function App() {
  const route = parseRoute(usePath());
  return (
    <>
      <Header />
      {route.page === 'home' && <Home />}
      {route.page === 'watch' && <Watch key={route.name} name={route.name} />}
      {route.page === 'lost' && <Lost />}
      <Footer />
    </>
  );
}

/** Draws the application into an element. */
export function draw(root: HTMLElement): void {
  createRoot(root).render(<App />);
}
