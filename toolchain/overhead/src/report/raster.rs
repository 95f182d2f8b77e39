//! A figure as PNG, drawn by resvg with a font of the system.

use anyhow::{Context, Result, ensure};
use resvg::{tiny_skia, usvg};
use std::sync::Arc;

/// Pixels per unit of the drawing: sharp on paper.
const SCALE: f32 = 3.0;

/// The bytes of the file.
///
/// # Errors
/// When the system has no font, or the SVG cannot be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_system_fonts();
    ensure!(
        !fonts.is_empty(),
        "no font is installed to write with (Debian: fonts-dejavu-core); -o with .svg needs none"
    );
    // Whatever is there stands for "sans-serif".
    let is_sans = |face: &usvg::fontdb::FaceInfo| face.families.iter().any(|(name, _)| name.contains("Sans"));
    let chosen = fonts.faces().find(|face| is_sans(face)).or_else(|| fonts.faces().next());
    let family = chosen.and_then(|face| face.families.first()).map(|(name, _)| name.clone());
    fonts.set_sans_serif_family(family.unwrap_or_default());
    let options = usvg::Options { fontdb: Arc::new(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).context("the figure cannot be read back")?;
    let size = tree.size().to_int_size().scale_by(SCALE).context("the figure has no size")?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).context("the figure is too large")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().context("writing PNG")
}

#[cfg(test)]
mod tests {
    use super::super::{chart::Bar, chart::Chart, svg};
    use super::*;

    #[test]
    fn bars_are_drawn_in_their_colour() {
        let rows = vec![("a".to_owned(), vec![Some(Bar::plain(2.0))])];
        let chart = Chart::Grouped { series: vec!["n".into()], rows, base: 1.0, digits: 1, unit: "" };
        let Ok(bytes) = png(&svg::alone("t", &chart)) else { return };
        let pixels = tiny_skia::Pixmap::decode_png(&bytes).unwrap();
        let colour = |pixel: &tiny_skia::PremultipliedColorU8| (pixel.red(), pixel.green(), pixel.blue());
        let blue = pixels.pixels().iter().filter(|pixel| colour(pixel) == (0x33, 0x66, 0xaa)).count();
        assert!(blue > 5000, "{blue} pixels are blue");
        assert!(png("<svg").is_err());
    }
}
