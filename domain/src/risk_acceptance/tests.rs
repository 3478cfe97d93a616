use super::{
    request::{MAX_COST, MAX_STANDSTILL},
    *,
};
use crate::{Code, Hand, Timestamp};
use uuid::Uuid;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-24T08:00:00Z")
}

fn latest() -> Timestamp {
    at("2027-11-24T22:59:59Z")
}

fn asked() -> NewRiskAcceptance {
    NewRiskAcceptance {
        findings: vec![FindingId(Uuid::from_u128(1))],
        reason: " Systemet byts ut i vår. ".into(),
        standstill_days: Some(10),
        cost_per_day: Some(1_200_000),
        fix_cost: 300_000,
        currency: None,
        expires_at: DateTime(at("2027-06-30T22:00:00Z")),
        services: Vec::new(),
    }
}

#[test]
fn a_request_comes_to_its_normal_form() {
    let request = asked().normalise(now(), latest()).unwrap();
    assert_eq!((request.reason.as_str(), request.currency.as_deref()), ("Systemet byts ut i vår.", Some("SEK")));
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let many = (0..1001_u128).map(|id| FindingId(Uuid::from_u128(id))).collect();
    let twice = [1, 2, 1].map(|id| FindingId(Uuid::from_u128(id))).to_vec();
    let service = vec![BusinessServiceId(Uuid::from_u128(1))];
    for (request, pointer) in [
        (NewRiskAcceptance { findings: Vec::new(), ..asked() }, "/findings"),
        (NewRiskAcceptance { findings: many, ..asked() }, "/findings"),
        (NewRiskAcceptance { findings: twice, ..asked() }, "/findings/2"),
        (NewRiskAcceptance { reason: " \n ".into(), ..asked() }, "/reason"),
        (NewRiskAcceptance { reason: "x".repeat(10_001), ..asked() }, "/reason"),
        (NewRiskAcceptance { reason: "a\0b".into(), ..asked() }, "/reason"),
        (NewRiskAcceptance { reason: "a\u{202e}b".into(), ..asked() }, "/reason"),
        (NewRiskAcceptance { standstill_days: None, ..asked() }, "/standstill_days"),
        (NewRiskAcceptance { standstill_days: Some(-1), ..asked() }, "/standstill_days"),
        (NewRiskAcceptance { standstill_days: Some(-1), services: service, ..asked() }, "/standstill_days"),
        (NewRiskAcceptance { cost_per_day: None, ..asked() }, "/cost_per_day"),
        (NewRiskAcceptance { cost_per_day: Some(i64::MAX), ..asked() }, "/cost_per_day"),
        (NewRiskAcceptance { fix_cost: -1, ..asked() }, "/fix_cost"),
        (NewRiskAcceptance { currency: Some("kr".into()), ..asked() }, "/currency"),
        (NewRiskAcceptance { currency: Some("ÅÄ".into()), ..asked() }, "/currency"),
        (NewRiskAcceptance { expires_at: DateTime(now()), ..asked() }, "/expires_at"),
        (NewRiskAcceptance { expires_at: DateTime(latest() + chrono::Duration::seconds(1)), ..asked() }, "/expires_at"),
    ] {
        let error = request.normalise(now(), latest()).unwrap_err();
        let pointers: Vec<_> = error.violations.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer]);
    }
    assert!(NewRiskAcceptance { expires_at: DateTime(latest()), ..asked() }.normalise(now(), latest()).is_ok());
}

#[test]
fn services_stand_in_for_the_numbers() {
    let by_services = NewRiskAcceptance {
        standstill_days: None,
        cost_per_day: None,
        services: vec![BusinessServiceId(Uuid::from_u128(1))],
        ..asked()
    };
    assert!(by_services.normalise(now(), latest()).is_ok());
}

#[test]
fn the_dearest_standstill_is_a_number_that_readers_keep() {
    assert_eq!(standstill_cost(10, 1_200_000), 12_000_000);
    assert!(standstill_cost(MAX_STANDSTILL, MAX_COST) < 1 << 53);
}

/// Every status with what can be done in it, by another person than who asked.
#[test]
fn each_step_has_its_status() {
    use AcceptanceStatus::{Approved, Expired, Refused, Requested, Revoked};
    let (asker, other) = (Hand::Person(Uuid::from_u128(1)), Hand::Person(Uuid::from_u128(2)));
    for (status, approve, refuse, revoke) in [
        (Requested, true, true, false),
        (Approved, false, false, true),
        (Refused, false, false, false),
        (Expired, false, false, false),
        (Revoked, false, false, false),
    ] {
        let decision = Decision { status, expires_at: latest(), requested_by: asker, by: other };
        assert_eq!(decision.approve(now(), latest()).is_ok(), approve, "approve {status:?}");
        assert_eq!(decision.refuse().is_ok(), refuse, "refuse {status:?}");
        assert_eq!(decision.revoke().is_ok(), revoke, "revoke {status:?}");
    }
}

#[test]
fn nobody_approves_what_they_asked_for_or_what_lasts_too_long() {
    let (asker, other) = (Hand::Unmapped(PrincipalId(Uuid::nil())), Hand::Person(Uuid::nil()));
    let asked = Decision { status: AcceptanceStatus::Requested, expires_at: latest(), requested_by: asker, by: asker };
    let code = |decision: Decision, now, latest| decision.approve(now, latest).map_err(|error| error.code);
    assert_eq!(code(asked, now(), latest()), Err(Code::SamePerson));
    let decided = Decision { by: other, ..asked };
    assert_eq!(code(decided, now(), latest()), Ok(()));
    assert_eq!(code(decided, latest(), latest()), Err(Code::AcceptanceState), "its time is over");
    assert_eq!(code(decided, now(), now()), Err(Code::AcceptanceState), "the municipality allows less by now");
    assert!(Decision { by: asker, ..asked }.refuse().is_ok(), "who asked may take it back");
}

#[test]
fn only_what_waits_for_work_can_rest() {
    use sea_orm::Iterable;
    let resting: Vec<_> = Status::iter().filter(|status| can_rest(*status)).collect();
    assert_eq!(resting, [Status::New, Status::Confirmed, Status::InProgress]);
}
