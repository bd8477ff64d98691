import { useEffect } from 'react';
import { Link } from '../ui/Link';
import { Mark } from '../ui/Mark';

interface Props {
  title?: string;
  words?: string;
}

/** The page for an address that means nothing here, or not to who looks. */
export function Lost({ title = 'There is nothing here', words = 'The address may be misspelt, or what was here is gone. Names are small letters, digits, “-” and “_”.' }: Props) {
  useEffect(() => { document.title = 'Not found · weir'; }, []);
  return (
    <main id="main" className="page lost">
      <Mark size={72} />
      <h1>{title}</h1>
      <p>{words}</p>
      <Link to="/" className="button">See who is live</Link>
    </main>
  );
}
