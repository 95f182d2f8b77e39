//! `rcb report`: files of measurements as one page that needs nothing else, or as single figures.
//!
//! ```text
//!  input    what kinds of files there are and what is taken from them
//!  chart    what a figure shows: bars, stacked bars, lines (plain data)
//!  charts   from input to charts and tables
//!  svg      a chart as SVG
//!  page     charts and tables as one HTML page: style and script inside, no network
//!  raster   an SVG as PNG
//! ```

pub mod chart;
pub mod charts;
pub mod input;
pub mod page;
pub mod raster;
pub mod svg;
