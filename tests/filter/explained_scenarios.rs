//! The scenarios once more, each request explained by `tessera explain`.

use crate::explained::Explained;
use crate::on_the_fake_host::FakeHost;
use crate::scenarios::{self, scenarios_on};

scenarios_on! { Explained<FakeHost> }
