"""A Nessus v2 report of any size: invented hosts and texts, the same for the same seed."""

import random

PER_HOST, PLUGINS = 40, 300

WORDS = """åtkomst öppen tjänst lösenord nyckel säkerhet sårbarhet åtgärd förvaltning kommun nätverk server skrivare
version rättning uppdatering användare behörighet angripare fjärrstyrning kryptering certifikat brandvägg överföring
känslig uppgift händelse övervakning granskning miljö skola omsorg växel lösning också även måste kräver gäller från
någon där här när före efter över under utan enligt därför ändå själv hög låg bör får når läser skriver ändrar""".split()
PORTS = [0, 22, 25, 53, 80, 135, 139, 443, 445, 1433, 3306, 3389, 5432, 5985, 8080, 8443]
# As in practice: half of what a scan says is information.
SEVERITIES = [0] * 50 + [1] * 10 + [2] * 22 + [3] * 13 + [4] * 5
RISK = ["None", "Low", "Medium", "High", "Critical"]


def prose(chance, size):
    text = []
    while size > 0:
        word = chance.choice(WORDS)
        text.append(word)
        size -= len(word.encode()) + 1
    return " ".join(text).capitalize() + "."


def plugin(chance, number):
    severity = SEVERITIES[number * 37 % 100]
    cves = [f"CVE-{chance.randint(2015, 2025)}-{chance.randint(1000, 49999)}" for _ in range(chance.randint(0, 3))]
    parts = [f"<description>{prose(chance, 600)}</description>", f"<solution>{prose(chance, 200)}</solution>",
             f"<risk_factor>{RISK[severity]}</risk_factor>", f"<synopsis>{prose(chance, 80)}</synopsis>",
             f"<see_also>https://example.com/råd/{number}</see_also>"]
    if severity:
        parts += ["<cvss3_vector>CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N</cvss3_vector>",
                  f"<cwe>{chance.randint(20, 900)}</cwe>", *(f"<cve>{cve}</cve>" for cve in cves)]
    port = chance.choice(PORTS)
    head = (f'<ReportItem port="{port}" svc_name="tjänst" protocol="tcp" severity="{severity}" '
            f'pluginID="{100000 + number}" pluginName="{prose(chance, 45)}" pluginFamily="Familj {number % 20}">\n')
    return head + "\n".join(parts) + "\n"


def write(path, findings, day, seed=1):
    """Writes a report as scanned on that day of January 2026; only the days differ between two of one seed."""
    chance = random.Random(seed)
    plugins = [plugin(chance, number) for number in range(PLUGINS)]
    outputs = [prose(chance, 200) for _ in range(1000)]
    with open(path, "w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<NessusClientData_v2>\n<Report name="Mätning">\n')
        for host in range(-(-findings // PER_HOST)):
            name = f"dator{host}.kommun{seed}.example"
            a, b, c = host >> 16 & 255, host >> 8 & 255, host & 255
            file.write(f'<ReportHost name="{name}"><HostProperties>\n'
                       f'<tag name="HOST_START">{weekday(day)} Jan {day:2} 20:00:00 2026</tag>\n'
                       f'<tag name="HOST_END">{weekday(day)} Jan {day:2} 21:{host % 60:02}:00 2026</tag>\n'
                       f'<tag name="host-ip">10.{a}.{b}.{c}</tag>\n<tag name="host-fqdn">{name}</tag>\n'
                       f'<tag name="mac-address">02:{seed:02x}:00:{a:02x}:{b:02x}:{c:02x}</tag>\n</HostProperties>\n')
            for number in chance.sample(range(PLUGINS), min(PER_HOST, findings - host * PER_HOST)):
                seen = chance.choice(outputs)
                file.write(f"{plugins[number]}<plugin_output>{seen}</plugin_output>\n</ReportItem>\n")
            file.write("</ReportHost>\n")
        file.write("</Report>\n</NessusClientData_v2>\n")


def weekday(day):
    return ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"][day % 7]
