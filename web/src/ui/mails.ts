/** What is said wherever a link is made for an e-mail address: the server does not tell whether anybody sends it. */
export const NO_MAILS = 'This server may not send mails yet: its operator can give you the link.';
