import { Link } from './Link';
import { Mark } from './Mark';

/** The bar above every page. */
export function Header() {
  return (
    <header className="header">
      <a className="skip" href="#main">Skip to the content</a>
      <Link to="/" className="wordmark" aria-label="weir, live now">
        <Mark size={28} />
        <span>weir</span>
      </Link>
      <nav aria-label="Main">
        <Link to="/" className="navlink">Live now</Link>
      </nav>
    </header>
  );
}
