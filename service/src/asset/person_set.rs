//! Which fields of an asset a person has set: no import writes those.

use domain::{asset::AssetPatch, asset_change::is_set};
use entity::asset;

/// What it is.
pub(super) const KIND: i16 = 1;
/// Its name.
pub(super) const NAME: i16 = 2;
/// How much depends on it.
pub(super) const CRITICALITY: i16 = 4;
/// From where it can be reached.
pub(super) const EXPOSURE: i16 = 8;
/// Who answers for it.
pub(super) const OWNER_UNIT: i16 = 16;

/// The fields, by the names under which they are shown.
pub(super) fn names(row: &asset::Model) -> Vec<&'static str> {
    let fields = [
        (KIND, "kind"),
        (NAME, "name"),
        (CRITICALITY, "criticality"),
        (EXPOSURE, "exposure"),
        (OWNER_UNIT, "owner_unit"),
    ];
    fields.into_iter().filter(|(bit, _)| row.person_set & bit != 0).map(|(_, name)| name).collect()
}

/// Notes that a person has set a field.
pub(super) const fn mark(row: &mut asset::Model, bit: i16, set: bool) {
    row.person_set = if set { row.person_set | bit } else { row.person_set & !bit };
}

/// Notes what a patch says: what it empties an import may fill again.
pub(super) fn follow(row: &mut asset::Model, patch: &AssetPatch) {
    let fields = [
        (KIND, patch.kind.map(|_| true)),
        (NAME, patch.name.as_ref().map(|_| true)),
        (CRITICALITY, is_set(&patch.criticality)),
        (EXPOSURE, is_set(&patch.exposure)),
        (OWNER_UNIT, is_set(&patch.owner_unit)),
    ];
    for (bit, set) in fields {
        if let Some(set) = set {
            mark(row, bit, set);
        }
    }
}
