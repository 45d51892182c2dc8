//! Envoy's metrics.

use super::filter::HttpFilter;
use super::host::ConfigHost;
use super::sys::{self, Define, ModuleBuffer, Record};
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use tessera_core::port::HostFailure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric's number, by which its configuration knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricId(usize);

/// Most labels of a metric.
pub const MAX_LABELS: usize = 4;

/// How metrics are changed.
#[derive(Clone, Copy)]
pub struct Recorder {
    count: Record,
    raise: Record,
    lower: Record,
    set: Record,
    observe: Record,
    /// Whether that takes a request: before 1.39 Envoy has no functions for it without one.
    pub needs_request: bool,
}

/// Through whom a metric is changed.
pub struct Measured<'hook>(*mut c_void, PhantomData<&'hook ()>);

impl<'hook> Measured<'hook> {
    pub fn of_request(filter: &'hook HttpFilter<'_>) -> Self {
        Self(filter.0, PhantomData)
    }

    pub fn of_config(host: &'hook ConfigHost) -> Self {
        Self(host.0, PhantomData)
    }
}

impl Recorder {
    /// `None` where Envoy has none of these functions.
    pub fn find() -> Option<Self> {
        Self::of_config().or_else(Self::of_request)
    }

    fn of_config() -> Option<Self> {
        Some(Self {
            count: function(c"envoy_dynamic_module_callback_http_filter_config_increment_counter")?,
            raise: function(c"envoy_dynamic_module_callback_http_filter_config_increment_gauge")?,
            lower: function(c"envoy_dynamic_module_callback_http_filter_config_decrement_gauge")?,
            set: function(c"envoy_dynamic_module_callback_http_filter_config_set_gauge")?,
            observe: function(c"envoy_dynamic_module_callback_http_filter_config_record_histogram_value")?,
            needs_request: false,
        })
    }

    fn of_request() -> Option<Self> {
        Some(Self {
            count: function(c"envoy_dynamic_module_callback_http_filter_increment_counter")?,
            raise: function(c"envoy_dynamic_module_callback_http_filter_increment_gauge")?,
            lower: function(c"envoy_dynamic_module_callback_http_filter_decrement_gauge")?,
            set: function(c"envoy_dynamic_module_callback_http_filter_set_gauge")?,
            observe: function(c"envoy_dynamic_module_callback_http_filter_record_histogram_value")?,
            needs_request: true,
        })
    }

    pub fn count(&self, through: &Measured<'_>, id: MetricId, labels: &[&str], by: u64) {
        record(self.count, through, id, labels, by);
    }

    pub fn shift(&self, through: &Measured<'_>, id: MetricId, labels: &[&str], by: i64) {
        record(if by < 0 { self.lower } else { self.raise }, through, id, labels, by.unsigned_abs());
    }

    pub fn set(&self, through: &Measured<'_>, id: MetricId, labels: &[&str], value: u64) {
        record(self.set, through, id, labels, value);
    }

    pub fn observe(&self, through: &Measured<'_>, id: MetricId, labels: &[&str], value: u64) {
        record(self.observe, through, id, labels, value);
    }
}

/// A value that Envoy does not take is a sample lost, nothing else.
fn record(by: Record, through: &Measured<'_>, MetricId(id): MetricId, labels: &[&str], value: u64) {
    let mut values = [ModuleBuffer::NONE; MAX_LABELS];
    let count = labels.len().min(MAX_LABELS);
    values.iter_mut().zip(labels).for_each(|(value, label)| *value = ModuleBuffer::of(label.as_bytes()));
    // SAFETY: the request or configuration is there, of the kind that these functions take, and Envoy reads the labels
    // now.
    unsafe { by(through.0, id, values.as_ptr(), count, value) };
}

impl ConfigHost {
    /// Defines a metric, which Envoy allows while a configuration is new.
    ///
    /// # Errors
    /// [`HostFailure`] when it does not.
    pub fn define(&self, kind: MetricKind, name: &str, labels: &[&str]) -> Result<MetricId, HostFailure> {
        let define: Define = match kind {
            MetricKind::Counter => sys::envoy_dynamic_module_callback_http_filter_config_define_counter,
            MetricKind::Gauge => sys::envoy_dynamic_module_callback_http_filter_config_define_gauge,
            MetricKind::Histogram => sys::envoy_dynamic_module_callback_http_filter_config_define_histogram,
        };
        let labels: Vec<_> = labels.iter().map(|label| ModuleBuffer::of(label.as_bytes())).collect();
        let mut id = 0;
        // SAFETY: the configuration is there, Envoy copies the bytes before it returns, and writes the number.
        let defined =
            unsafe { define(self.0, ModuleBuffer::of(name.as_bytes()), labels.as_ptr(), labels.len(), &raw mut id) };
        if defined == sys::SUCCESS { Ok(MetricId(id)) } else { Err(HostFailure) }
    }
}

/// A function of the program that has loaded this module.
fn function(name: &CStr) -> Option<Record> {
    // SAFETY: the name ends with NUL. An address under one of the names of `Recorder` is a function of that type.
    unsafe {
        let address = sys::dlsym(std::ptr::null_mut(), name.as_ptr());
        (!address.is_null()).then(|| std::mem::transmute::<*mut c_void, Record>(address))
    }
}
