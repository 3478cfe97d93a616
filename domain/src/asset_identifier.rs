//! Values that many machines have: they look like identifiers and tell no machine from another.
//!
//! Two machines taken for one hide each other's findings, so that what is known to be shared is no identifier.

use crate::{Identifier, IdentifierKind};

/// Whether a value in its normal form is known to be many machines' at once.
pub(crate) fn is_shared(identifier: &Identifier) -> bool {
    let value = identifier.value.as_str();
    match identifier.kind {
        IdentifierKind::Mac => is_shared_mac(value),
        IdentifierKind::Serial | IdentifierKind::EdrId | IdentifierKind::CloudId => is_placeholder(value),
        IdentifierKind::Fqdn => value.strip_prefix("localhost.").is_some() || value.ends_with(".localhost"),
        IdentifierKind::Repository | IdentifierKind::Hostname | IdentifierKind::Ip => false,
    }
}

/// Ranges of addresses that go from router to router, or that a driver gives to every machine it runs on: how many of
/// the 48 bits count, and the address that they are compared with.
///
/// - VRRP for IPv4 and IPv6, also used by CARP: RFC 9568, section 7.3 (one address for each virtual router).
/// - HSRP version 1: RFC 2281, section 5.1. HSRP version 2 for IPv4 and IPv6 and GLBP: Cisco's First Hop Redundancy
///   Protocols configuration guide (`0000.0C9F.Fxxx`, `0005.73A0.0xxx`, `0007.B400.xxyy`).
/// - Microsoft Network Load Balancing in unicast mode, one address for all nodes of a cluster: `02-BF` and its IPv4 address.
/// - Docker before version 28, which makes the address of a container of its IPv4 address: `02:42` and that address.
/// - VMware's adapters of the host, VirtualBox's, those of Windows' RAS and of NCP's client, the inner side of a Xen or
///   KVM bridge, modems: the list of MAC addresses that GLPI leaves out by default (`src/Blacklist.php`, 2025).
/// - Cisco AnyConnect, Palo Alto GlobalProtect and Fortinet's SSL VPN, the bridge to the T2 chip of a Mac and the host's
///   side of Calico's interfaces: the same on every machine, as their makers' drivers set them.
const SHARED_MACS: &[(u32, u64)] = &[
    (40, 0x0000_5e00_0100),
    (40, 0x0000_5e00_0200),
    (40, 0x0000_0c07_ac00),
    (36, 0x0000_0c9f_f000),
    (36, 0x0005_73a0_0000),
    (32, 0x0007_b400_0000),
    (16, 0x02bf_0000_0000),
    (16, 0x0242_0000_0000),
    (32, 0x0050_56c0_0000),
    (40, 0x0a00_2700_0000),
    (48, 0x2041_5359_4eff),
    (48, 0x0200_4e43_5049),
    (48, 0x5050_5450_3030),
    (48, 0x24b6_2052_4153),
    (48, 0xfeff_ffff_ffff),
    (48, 0x00a0_c600_0000),
    (48, 0x0280_37ec_0200),
    (48, 0x000b_cafe_0000),
    (40, 0x0005_9a3c_7a00),
    (40, 0x0005_9a3c_7800),
    (40, 0x0250_4100_0000),
    (48, 0x0009_0ffe_0001),
    (48, 0x0009_0faa_0001),
    (48, 0xacde_4800_1122),
    (48, 0xeeee_eeee_eeee),
];

/// Group addresses, all-ones among them, name no single interface: IEEE 802, the I/G bit, which is the least of the
/// first octet (RFC 9542, section 2.1). All-zero is none at all.
fn is_shared_mac(value: &str) -> bool {
    let Ok(address) = u64::from_str_radix(&value.replace(':', ""), 16) else { return false };
    let is_group = address >> 40 & 1 == 1;
    let is_within = |(bits, range): &(u32, u64)| (address ^ range) >> (48 - bits) == 0;
    is_group || address == 0 || SHARED_MACS.iter().any(is_within)
}

/// What firmware says where its maker has set nothing (the serial numbers that GLPI leaves out by default, see above),
/// and what people write into a table where they know nothing, in Swedish too. In lower case, signs left out.
const PLACEHOLDERS: &[&str] = &[
    "tobefilledbyoem",
    "defaultstring",
    "systemserialnumber",
    "systemserialnumb",
    "chassisserialnumber",
    "baseboardserialnumber",
    "serialnumber",
    "oemserial",
    "oem",
    "notspecified",
    "notapplicable",
    "notavailable",
    "notprovided",
    "notset",
    "none",
    "null",
    "nullstring",
    "nil",
    "na",
    "tbd",
    "unknow",
    "unknown",
    "undefined",
    "invalid",
    "empty",
    "eval",
    "iatpass",
    "tulipcomputers",
    "okänd",
    "okänt",
    "saknas",
    "ingen",
    "inget",
    "ejangivet",
    "ejtillämpligt",
    "vetej",
];

fn is_placeholder(value: &str) -> bool {
    let plain: String = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let mut letters = plain.chars();
    let is_one_letter = letters.next().is_none_or(|first| letters.all(|other| other == first));
    is_one_letter || PLACEHOLDERS.contains(&plain.as_str()) || is_counted(&plain)
}

/// `0123456789`, `12345`, `SN-1234567890`, `SYS-9876543210`: what a board has whose maker did not count.
fn is_counted(plain: &str) -> bool {
    let digits = plain.trim_start_matches(|c: char| c.is_alphabetic());
    let prefix = plain.strip_suffix(digits).unwrap_or_default();
    let is_known = |prefix: &str| matches!(prefix, "" | "sn" | "sys" | "mb");
    let runs = ["01234567890", "12345678901234567890", "9876543210"];
    digits.len() >= 5 && is_known(prefix) && runs.iter().any(|run| run.starts_with(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(kind: IdentifierKind, value: &str) -> bool {
        Identifier::parse(kind, value).is_some()
    }

    #[test]
    fn addresses_of_many_machines_are_no_identifiers() {
        for (of, mac) in [
            ("all-ones", "ff:ff:ff:ff:ff:ff"),
            ("all-zero", "00:00:00:00:00:00"),
            ("spanning tree's group", "01:80:c2:00:00:00"),
            ("IPv6 multicast", "33-33-00-00-00-01"),
            ("VRRP", "00:00:5e:00:01:17"),
            ("VRRP for IPv6", "00:00:5e:00:02:17"),
            ("HSRP", "0000.0c07.ac0a"),
            ("HSRP version 2", "0000.0c9f.f00a"),
            ("HSRP for IPv6", "0005.73a0.0fff"),
            ("GLBP", "0007.b400.0102"),
            ("AnyConnect", "00:05:9a:3c:7a:00"),
            ("a VMware host", "00:50:56:c0:00:08"),
            ("a container", "02:42:ac:11:00:02"),
            ("a Mac's T2 chip", "ac:de:48:00:11:22"),
        ] {
            assert!(!is_taken(IdentifierKind::Mac, mac), "{of}: {mac}");
        }
        for (of, mac) in [
            ("a network card", "00:11:22:33:44:55"),
            ("a virtual machine of VMware", "00:50:56:a1:00:08"),
            ("a virtual machine of KVM", "52:54:00:12:34:56"),
            ("a Cisco router's own", "00:00:0c:07:ad:0a"),
            ("IANA's, beside VRRP", "00:00:5e:00:03:17"),
        ] {
            assert!(is_taken(IdentifierKind::Mac, mac), "{of}: {mac}");
        }
    }

    #[test]
    fn what_stands_for_nothing_is_no_serial_number() {
        for serial in [
            "To Be Filled By O.E.M.",
            "to be filled by oem",
            "Default string",
            "None",
            "N/A",
            "(null string)",
            "0",
            "0000000000",
            "xxxxxxx",
            "......",
            "0123456789",
            "12345",
            "SN-1234567890",
            "SYS-9876543210",
            "System Serial Number",
            "Okänd",
            "Saknas",
        ] {
            for kind in [IdentifierKind::Serial, IdentifierKind::EdrId, IdentifierKind::CloudId] {
                assert!(!is_taken(kind, serial), "{serial}");
            }
        }
        for serial in ["S1", "CZC1234567", "5CG8123ABC", "1234567890A", "PF-123456", "0000000001", "Å-17", "1235"] {
            assert!(is_taken(IdentifierKind::Serial, serial), "{serial}");
        }
    }

    #[test]
    fn names_of_every_machine_are_no_identifiers() {
        for name in ["localhost.localdomain", "localhost.", "printer.localhost"] {
            assert!(!is_taken(IdentifierKind::Fqdn, name), "{name}");
        }
        assert!(is_taken(IdentifierKind::Fqdn, "localhost2.norrvik.example"));
    }
}
