//! The facts of the specification, read from their list: a heading per area, an item per fact.

/// A chapter of the specification.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) facts: Vec<Fact>,
}

/// One fact, small enough to be pinned by one test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) id: String,
    pub(super) title: String,
}

/// Reads `## SEL: name` headings and `- **SEL-01** title` items, in the order of the list.
pub(super) fn areas(list: &str) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for line in list.lines() {
        if let Some((code, name)) = line.strip_prefix("## ").and_then(|rest| rest.split_once(": "))
        {
            areas.push(Area { code: code.into(), name: name.into(), facts: Vec::new() });
        } else if let (Some(fact), Some(area)) = (fact(line), areas.last_mut()) {
            area.facts.push(fact);
        }
    }
    areas
}

fn fact(line: &str) -> Option<Fact> {
    let (id, title) = line.strip_prefix("- **")?.split_once("** ")?;
    is_id(id).then(|| Fact { id: id.into(), title: title.into() })
}

/// Whether it has the form of an ID: three capitals, a dash, digits.
pub(super) fn is_id(word: &str) -> bool {
    let Some((area, number)) = word.split_once('-') else { return false };
    area.len() == 3
        && area.bytes().all(|byte| byte.is_ascii_uppercase())
        && number.len() >= 2
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn areas_hold_the_facts_below_their_heading() {
        let areas =
            areas("# Facts\n\n## SEL: selectors\n- **SEL-01** two bits\n\n## CFF: futures\n");
        assert_eq!(areas.len(), 2);
        assert_eq!(areas[0].facts, [Fact { id: "SEL-01".into(), title: "two bits".into() }]);
    }

    #[test]
    fn the_list_is_complete_and_numbered_without_gaps() {
        let areas = areas(&tree::read(super::super::FACTS).expect("the list is readable"));
        for area in &areas {
            for (at, fact) in area.facts.iter().enumerate() {
                assert_eq!(fact.id, format!("{}-{:02}", area.code, at + 1));
            }
        }
        assert_eq!(areas.iter().map(|area| area.facts.len()).sum::<usize>(), 563);
    }
}
