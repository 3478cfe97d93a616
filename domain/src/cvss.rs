//! What a valid CVSS vector says to the decision on priority. (`formats` checks and
//! scores vectors; one that is not valid is never stored.)

/// What an attack takes and gives, out of the base metrics of any version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Over the network, without rights and without anybody's help: AV:N, PR:N (v2: Au:N), UI:N (v2 has none).
    pub is_remote: bool,
    /// The vulnerable system is lost: confidentiality and integrity both in full (v2 `C`, v3 and v4 `H`).
    pub is_total: bool,
}

impl Attack {
    /// Reads a valid vector: bare for v2, with its prefix for v3 and v4.
    pub fn of(vector: &str) -> Self {
        let is = |metric: &str| vector.split('/').any(|part| part == metric);
        let (is_remote, is_total) = if vector.starts_with("CVSS:4.") {
            (is("PR:N") && is("UI:N"), is("VC:H") && is("VI:H"))
        } else if vector.starts_with("CVSS:3.") {
            (is("PR:N") && is("UI:N"), is("C:H") && is("I:H"))
        } else {
            (is("Au:N"), is("C:C") && is("I:C"))
        };
        Self { is_remote: is("AV:N") && is_remote, is_total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_of_each_version_say_what_an_attack_takes_and_gives() {
        for (vector, is_remote, is_total) in [
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", true, true),
            ("AV:N/AC:L/Au:S/C:C/I:P/A:C", false, false),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", true, true),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", false, true),
            ("CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H", false, false),
            // A modified metric is about the environment, not about the attack.
            ("CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N/MAV:N/MC:H", false, false),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", true, true),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:L/VA:H/SC:H/SI:H/SA:N", false, false),
        ] {
            assert_eq!(Attack::of(vector), Attack { is_remote, is_total }, "{vector}");
        }
    }
}
