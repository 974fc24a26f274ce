/** The start of the help pages: what to set up, then all pages. */
import { raw } from "hono/html";
import type { JSX } from "hono/jsx/jsx-runtime";
import { fill, type Placeholders } from "./placeholders.ts";
import type { Section } from "./pages.ts";

export interface IndexProps {
  readonly values: Placeholders;
  readonly reader: string | null;
  readonly sections: readonly Section[];
}

export const IndexPage = ({ values, reader, sections }: IndexProps): JSX.Element => (
  <>
    <h1>Help</h1>
    <h2 id="settings">Settings</h2>
    <div class="wide" tabindex={0}>
      <table>
        <tbody>
          <Setting name="Server" value={<code>{values.service}</code>} />
          <Setting name="STARTTLS" value={`port ${values.ports}`} />
          <Setting name="TLS" value={`port ${values.tlsPorts}`} />
          <Setting name="Username" value={<code>{values.username}</code>} />
          <Setting name="Password" value="that of the account" />
          <Setting name="Authentication" value="normal password (PLAIN or LOGIN)" />
        </tbody>
      </table>
    </div>
    <p>The username is the account's own, not an e-mail address.</p>
    <form action="/help" method="get">
      <label for="user">Show my username in all examples:</label>
      <input id="user" name="user" value={reader ?? ""} maxlength={64} autocapitalize="none" autocomplete="username" />
      <button type="submit">Show</button>
    </form>
    {sections.map(({ title, kind, pages }) => (
      <>
        <h2>{title}</h2>
        <ul class={`pages ${kind}`}>
          {pages.map((page) => (
            <li>
              <a href={`/help/${page.name}${values.query}`}>{page.title}</a>
              {kind === "questions" && <small>{raw(fill(page.summary, values))}</small>}
            </li>
          ))}
        </ul>
      </>
    ))}
    <h2>Programs</h2>
    <p>
      Accounts, quota and message history are open to programs: <a href="/docs">the HTTP API</a>.
    </p>
  </>
);

const Setting = ({ name, value }: { readonly name: string; readonly value: JSX.Element | string }) => (
  <tr>
    <th scope="row">{name}</th>
    <td>{value}</td>
  </tr>
);
