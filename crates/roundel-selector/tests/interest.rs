//! The event mask: two bits and their union, nothing else.
use roundel_selector::{Interest, Readiness};

// spec: SEL-01
#[test]
fn a_mask_is_the_union_of_two_bits() {
    assert_eq!((Interest::READ.bits(), Interest::WRITE.bits()), (1, 2));
    assert_eq!(Interest::READ.with(Interest::WRITE), Interest::BOTH);
    assert_eq!(Interest::BOTH.bits(), 3);
}

// spec: SEL-16
#[test]
fn readiness_is_cut_to_the_mask() {
    let all = Readiness::READABLE.with(Readiness::WRITABLE).with(Readiness::ERROR);
    assert_eq!(all.within(Interest::READ), Readiness::READABLE);
    assert_eq!(all.within(Interest::WRITE), Readiness::WRITABLE);
    assert_eq!(all.within(Interest::BOTH), Readiness::READABLE.with(Readiness::WRITABLE));
    assert!(Readiness::ERROR.within(Interest::BOTH).is_none());
}

#[test]
fn debug_output_names_the_bits() {
    assert_eq!(format!("{:?}", Interest::BOTH), "BOTH");
    assert_eq!(format!("{:?}", Readiness::NONE), "NONE");
    let shut = Readiness::READABLE.with(Readiness::READ_CLOSED);
    assert_eq!(format!("{shut:?}"), "READABLE | READ_CLOSED");
}
