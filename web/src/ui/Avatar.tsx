interface Props {
  user: { username: string; display_name: string; avatar_url?: string; avatar_small_url?: string };
  /** Pixels. */
  size: number;
}

/** A user's picture, or the first letter of the name. Decorative: the name is beside it. */
export function Avatar({ user, size }: Props) {
  const picture = (size > 64 ? user.avatar_url : user.avatar_small_url) ?? '';
  const side = size > 100 ? 'avatar avatar-big' : size > 40 ? 'avatar avatar-middle' : 'avatar';
  if (picture !== '') return <img className={side} src={picture} alt="" width={size} height={size} decoding="async" />;
  const letter = [...(user.display_name || user.username)][0]?.toUpperCase();
  return <span className={side} aria-hidden="true">{letter}</span>;
}
