//! One test binary: the shape of the tree, the pages, the roles against hostile peers, and the stories.

#[cfg(test)]
mod access;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod auditing;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod forgery;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod likeness;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod people;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod relying_party;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod sequencing;
#[cfg(all(test, unix))]
mod serving;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signing_in;
#[cfg(test)]
mod source;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod taking;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod timestamping;
#[cfg(test)]
mod told;
#[cfg(test)]
mod using;
#[cfg(test)]
mod witnessing;
#[cfg(test)]
mod world;
