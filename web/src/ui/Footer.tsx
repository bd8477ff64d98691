/** The bar under every page. The API's description is a page of the server, not of this application. */
export function Footer() {
  return (
    <footer className="footer">
      <a href="/api/docs" className="navlink">API</a>
    </footer>
  );
}
