import { useEffect } from 'react';
import { Link } from '../ui/Link';
import { Mark } from '../ui/Mark';

/** The page for an address that means nothing here. */
export function Lost() {
  useEffect(() => { document.title = 'Not found · weir'; }, []);
  return (
    <main id="main" className="page lost">
      <Mark size={72} />
      <h1>There is nothing here</h1>
      <p>The address may be misspelt. Names of streams are small letters, digits, “-” and “_”.</p>
      <Link to="/" className="button">See who is live</Link>
    </main>
  );
}
