import { lazy, Suspense, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { Home } from './pages/Home';
import { Lost } from './pages/Lost';
import { Watch } from './pages/Watch';
import { parseRoute, type Route } from './route';
import { usePath } from './router';
import { findWho } from './session/who';
import { Footer } from './ui/Footer';
import { Header } from './ui/Header';

const Admin = lazy(() => import('./pages/admin').then((m) => ({ default: m.Admin })));
const Entry = lazy(() => import('./pages/entry').then((m) => ({ default: m.Entry })));
const Profile = lazy(() => import('./pages/profile').then((m) => ({ default: m.Profile })));
const Replay = lazy(() => import('./pages/replay').then((m) => ({ default: m.Replay })));
const Settings = lazy(() => import('./pages/settings').then((m) => ({ default: m.Settings })));
const Studio = lazy(() => import('./pages/studio').then((m) => ({ default: m.Studio })));

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'home': return <Home />;
    case 'watch': return <Watch key={route.name} name={route.name} />;
    case 'user': return <Profile key={route.name} name={route.name} />;
    case 'users': case 'allWebhooks': return <Admin page={route.page} />;
    case 'replay': return <Replay key={route.id} id={route.id} />;
    case 'studio': return <Studio />;
    case 'channel': return <Studio key={route.name} name={route.name} tab={route.tab} />;
    case 'signIn': case 'signUp': case 'forgot': case 'verify': case 'reset': return <Entry key={route.page} page={route.page} />;
    case 'profileSettings': case 'accountSettings': case 'securitySettings': case 'tokenSettings': return <Settings page={route.page} />;
    case 'lost': return <Lost />;
  }
}

function App() {
  const route = parseRoute(usePath());
  useEffect(findWho, []);
  return (
    <>
      <Header />
      <Suspense fallback={<main id="main" className="page" />}><Page route={route} /></Suspense>
      <Footer />
    </>
  );
}

/** Draws the application into an element. */
export function draw(root: HTMLElement): void {
  createRoot(root).render(<App />);
}
