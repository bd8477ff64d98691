import '../../styles/form.css';
import '../../styles/entry.css';
import { Forgot, Reset, Verify } from './Mails';
import { SignIn } from './SignIn';
import { SignUp } from './SignUp';

/** The pages by which one gets in, in a chunk of their own. */
export function Entry({ page }: { page: 'signIn' | 'signUp' | 'forgot' | 'verify' | 'reset' }) {
  switch (page) {
    case 'signIn': return <SignIn />;
    case 'signUp': return <SignUp />;
    case 'forgot': return <Forgot />;
    case 'verify': return <Verify />;
    case 'reset': return <Reset />;
  }
}
