//! Places of the driver's tables, as sources and operations are called outside.

use roundel_driver::{Key, SourceId};

use crate::table::Place;

pub(crate) fn key(place: Place) -> Key {
    Key::new(place.index, place.generation)
}

pub(crate) fn source_id(place: Place) -> SourceId {
    SourceId::new(place.index, place.generation)
}

pub(crate) fn place(source: SourceId) -> Place {
    Place { index: source.index() as u32, generation: source.generation() }
}
