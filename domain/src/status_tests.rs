use super::*;
use crate::PrincipalId;
use sea_orm::Iterable;

/// The table of the design, cell by cell: `w` findings:write, `v` findings:verify, `.` refused, `a` acceptance.
const TABLE: &[(Status, &str)] = &[
    //                        new conf prog clai veri fals dupl nota risk
    (Status::New, ".w.w.wwwa"),
    (Status::Confirmed, "..ww.wwwa"),
    (Status::InProgress, ".w.w.wwwa"),
    (Status::FixClaimed, ".v..vv.va"),
    (Status::VerifiedFixed, ".w......a"),
    (Status::FalsePositive, ".w......a"),
    (Status::Duplicate, ".w......a"),
    (Status::NotApplicable, ".w......a"),
    (Status::RiskAccepted, "........a"),
];

#[test]
fn every_cell_of_the_transition_table_is_as_designed() {
    for (from, row) in TABLE {
        for (to, cell) in Status::iter().zip(row.chars()) {
            let found = match permission_for(*from, to) {
                Ok(Permission::WriteFindings) => 'w',
                Ok(Permission::VerifyFindings) => 'v',
                Ok(other) => panic!("{other:?} decides no status"),
                Err(e) if e.code == Code::AcceptanceRequired => 'a',
                Err(_) => '.',
            };
            assert_eq!(found, cell, "{from:?} to {to:?}");
        }
    }
}

fn to(status: Status) -> Transition {
    Transition { to: status, justification: None, comment: None, duplicate_of: None }
}

fn ids() -> (FindingId, Hand, Hand) {
    let id = |n| uuid::Uuid::from_u128(n);
    (FindingId(id(1)), Hand::Unmapped(PrincipalId(id(2))), Hand::Person(id(3)))
}

#[test]
fn who_claimed_a_fix_does_not_verify_it() {
    let (finding, claimant, other) = ids();
    let verify = to(Status::VerifiedFixed);
    let refused = verify.check(finding, Status::FixClaimed, Some(claimant), claimant).unwrap_err();
    assert_eq!(refused.code, Code::SamePerson);
    assert!(verify.check(finding, Status::FixClaimed, Some(claimant), other).is_ok());
}

#[test]
fn every_dismissal_needs_a_justification_of_its_kind() {
    let (finding, by, _) = ids();
    for status in Status::iter().filter(|s| s.is_dismissal()) {
        let mut wish = to(status);
        wish.duplicate_of = (status == Status::Duplicate).then_some(FindingId(uuid::Uuid::from_u128(9)));
        assert_eq!(wish.check(finding, Status::New, None, by).unwrap_err().code, Code::JustificationRequired);
        for justification in Justification::iter() {
            wish.justification = Some(justification);
            let allowed = Justification::of(status).contains(&justification);
            assert_eq!(wish.check(finding, Status::New, None, by).is_ok(), allowed, "{status:?} {justification:?}");
        }
    }
}

#[test]
fn a_finding_is_no_duplicate_of_itself() {
    let (finding, by, _) = ids();
    let mut wish = to(Status::Duplicate);
    wish.justification = Some(Justification::SameAsOther);
    wish.duplicate_of = Some(finding);
    assert_eq!(wish.check(finding, Status::New, None, by).unwrap_err().violations[0].pointer, "/duplicate_of");
}
