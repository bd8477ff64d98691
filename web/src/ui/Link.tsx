import type { MouseEvent, ReactNode } from 'react';
import { navigate } from '../router';

interface Props {
  to: string;
  className?: string;
  children: ReactNode;
  'aria-label'?: string;
  'aria-current'?: 'page';
  /** Called when it is followed here. */
  onGo?: () => void;
}

/** A link inside the application. Modified clicks (new tab, download) stay the browser's. */
export function Link({ to, children, onGo, ...rest }: Props) {
  const click = (e: MouseEvent) => {
    if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    navigate(to);
    onGo?.();
  };
  return <a href={to} onClick={click} {...rest}>{children}</a>;
}
