/** The fields by which non-delivery reports are known, as servers write them. */
import { assertEquals } from "@std/assert";
import { scanHeader } from "../../../relay/protocol/header_scan.ts";
import { autoSubmitted, reportType } from "../../../relay/protocol/report_fields.ts";

Deno.test("report-type: of multipart/report, quoted or not, in any case and order", () => {
  for (
    const value of [
      'multipart/report; report-type=delivery-status; boundary="x"',
      'multipart/report; boundary="x"; report-type="delivery-status"',
      "Multipart/Report;Report-Type=Delivery-Status;boundary=x",
      "multipart/report; report-type = delivery-status",
    ]
  ) assertEquals(reportType(value), "delivery-status", value);
  for (
    const value of [
      "multipart/report; report-type=disposition-notification; boundary=x",
      "multipart/report; boundary=x",
      'multipart/report; boundary="report-type=delivery-status"',
    ]
  ) assertEquals(reportType(value), "another", value);
  for (
    const value of ["multipart/reports; report-type=delivery-status", "text/plain; report-type=delivery-status", ""]
  ) {
    assertEquals(reportType(value), "none", value);
  }
});

Deno.test("Auto-Submitted: generated, replied, or a failure by its comment", () => {
  const values = {
    "auto-generated": "generated",
    "Auto-Generated; type=x": "generated",
    "auto-generated (failure)": "failure",
    "auto-replied (rejected by the recipient's server)": "failure",
    "auto-replied": "replied",
    "auto-replied (vacation)": "replied",
    'auto-replied; owner-email="anna@example.com"': "replied",
    "auto-notified": "no",
    "no": "no",
    "": "no",
    "failure (auto-generated)": "no",
  };
  for (const [value, expected] of Object.entries(values)) assertEquals(autoSubmitted(value), expected, value);
});

Deno.test("header: the first field of each name tells, folded or not, and X-Failed-Recipients by being there", () => {
  const scan = (...lines: string[]) => {
    const { reportType, autoSubmitted, failedRecipientsField } = scanHeader(
      new TextEncoder().encode([...lines, "", ""].join("\r\n")),
    );
    return [reportType, autoSubmitted, failedRecipientsField];
  };
  assertEquals(
    scan("CONTENT-TYPE: multipart/report;", "\treport-type=delivery-status", "auto-submitted : auto-replied"),
    ["delivery-status", "replied", false],
  );
  assertEquals(
    scan("Content-Type: text/plain", "Content-Type: multipart/report; report-type=delivery-status"),
    ["none", "no", false],
  );
  assertEquals(scan("X-Failed-Recipients: b@example.net", "X-Failed: no"), ["none", "no", true]);
});
